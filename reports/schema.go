package reports

import _ "embed"

//go:embed results.schema.json
var resultsSchema string

// Schema returns the JSON Schema (draft 2020-12) of the output of [JSON]. Later documents
// of the same version may have further fields.
func Schema() string { return resultsSchema }
