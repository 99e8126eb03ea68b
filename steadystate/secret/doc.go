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
// of it. Each Read reads the value again, so that it may change in between.
package secret
