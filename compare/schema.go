package compare

import _ "embed"

//go:embed diff.schema.json
var diffSchema string

// DiffSchema is the JSON Schema (draft 2020-12) of a [Diff].
func DiffSchema() string { return diffSchema }
