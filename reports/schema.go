package reports

import _ "embed"

//go:embed results.schema.json
var resultsSchema string

// Schema is the JSON Schema (draft 2020-12) of what [JSON] writes. Fields that
// it does not name may come in later documents of the same version.
func Schema() string { return resultsSchema }
