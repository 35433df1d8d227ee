// Package schematest checks JSON in tests by the schema of reports. It is stricter
// than the schema that users get: a field that the schema does not name is a
// fault, so that no new one can be forgotten there.
package schematest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/smtpprobe/smtpprobe/report"
)

// Valid checks a document, or several JSON values as NDJSON has them.
func Valid(t testing.TB, what string, text []byte) {
	t.Helper()
	if err := Check(text); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// Check is the same where no test is at hand.
func Check(text []byte) error {
	schema, err := compiled()
	if err != nil {
		return fmt.Errorf("the schema: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	n := 0
	for ; dec.More(); n++ {
		var value any
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if err := schema.Validate(value); err != nil {
			return fmt.Errorf("value %d is not of the schema: %w", n+1, err)
		}
	}
	if n == 0 {
		return errors.New("no JSON")
	}
	return nil
}

// compiled compiles once: tests ask often.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) { return strict(report.SchemaText()) })

// strict compiles the schema with formats asserted, and with no properties but
// those that it names.
func strict(text string) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	forbid(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("report.json")
}

// forbid goes through the schema and closes every object that has properties.
func forbid(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		for key, value := range s {
			if key != "properties" {
				forbid(value)
				continue
			}
			for _, property := range value.(map[string]any) {
				forbid(property)
			}
		}
		if _, named := s["properties"]; named && s["type"] == "object" {
			s["additionalProperties"] = false
		}
	case []any:
		for _, value := range s {
			forbid(value)
		}
	}
}
