package report

import _ "embed"

//go:embed schema.json
var schema string

// SchemaText is the JSON Schema (draft 2020-12) of all JSON that is written here:
// documents, lines of NDJSON, changes, and campaigns. Others may check what they read by it,
// so that it allows fields that a later version adds.
func SchemaText() string { return schema }
