// Package secret reads values that are never shown, and headers that have such values.
//
//	headers := secret.Headers{
//		Values:  http.Header{"Accept": {"application/json"}},
//		Secrets: map[string]secret.Secret{"Authorization": {Env: "TOKEN"}},
//	}
//	headers.Validate()            // what is wrong with them, before anything is read
//	headers.Places()              // Authorization of environment variable TOKEN
//	header, err := headers.Read() // with the value of TOKEN
//
// A [Secret] is where a value is, which is all that descriptions, records and errors show
// of it. The value is read when it is sent, so that it may change between two requests.
package secret
