package report_test

import (
	"bytes"
	"testing"

	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// TestSchemaFindsFaults keeps the checks by the schema honest: a field more, one
// less, and a word that is none.
func TestSchemaFindsFaults(t *testing.T) {
	whole := encodeRun(t, wavering(), true)
	for name, edit := range map[string][2]string{
		"a field more":                 {`"profile": `, `"more": 1, "profile": `},
		"a field more of a receiver":   {`"platform": `, `"more": 1, "platform": `},
		"a field more of a result":     {`"conformance": `, `"more": 1, "conformance": `},
		"a field more of an agreement": {`"kind": `, `"more": 1, "kind": `},
		"a field less":                 {`"profile": `, `"note": `},
		"a verdict":                    {`"verdict": "strict"`, `"verdict": "severe"`},
		"a time":                       {`"started": "2026-`, `"started": "2026/`},
		"a number":                     {`"port": 25`, `"port": "25"`},
		"a null":                       {`"results": [`, `"results": null, "controls": [`},
	} {
		t.Run(name, func(t *testing.T) {
			text := bytes.Replace(whole, []byte(edit[0]), []byte(edit[1]), 1)
			if bytes.Equal(text, whole) {
				t.Fatalf("there is no %s to edit", edit[0])
			}
			if schematest.Check(text) == nil {
				t.Error("got no fault, want one")
			}
		})
	}
}
