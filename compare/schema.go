package compare

import _ "embed"

var (
	//go:embed diff.schema.json
	diffSchema string
	//go:embed trend.schema.json
	trendSchema string
	//go:embed gate.schema.json
	gateSchema string
)

// DiffSchema is the JSON Schema (draft 2020-12) of a [Diff].
func DiffSchema() string { return diffSchema }

// TrendSchema is the JSON Schema (draft 2020-12) of a [Trend].
func TrendSchema() string { return trendSchema }

// GateSchema is the JSON Schema (draft 2020-12) of a [Gate].
func GateSchema() string { return gateSchema }
