// Package redact keeps secrets out of what is printed and recorded.
//
//	redact.URL("https://ann:pw@shop.example/?token=1") // https://xxxxx@shop.example/?token=xxxxx
//	redact.Text(err.Error())                           // the same, of each URL in it
//	client.Transport = redact.Transport(client.Transport)
//
// Of a URL the user info, the values of the query and the fragment may be secret:
// names such as "token" tell only some of them, so none is shown. [Transport] removes
// from an answer that is an error what the request sent as its credentials, since
// proxies and login pages repeat it, and errors quote such answers.
//
// What is written into a path, a title or a query of PromQL is shown.
package redact
