// Package redact keeps secrets out of what is printed and recorded.
//
//	redact.URL("https://ann:pw@shop.example/?token=1") // https://xxxxx@shop.example/?token=xxxxx
//	redact.Text(err.Error())                           // the same, of each URL in it
//	client.Transport = redact.Transport(client.Transport)
//	redact.Excerpt(body, 200)                          // what others wrote, in one line and cut
//
// The user info, the query values and the fragment of a URL may be secret. Names such
// as "token" mark only some of them, so all are hidden. [Transport] removes the
// request's credentials from error responses, since proxies and login pages repeat them
// and errors quote such responses.
//
// Secrets in a path, a title or a PromQL query are not hidden.
package redact
