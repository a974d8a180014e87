package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write docs/slo.schema.json")

// published is the schema that editors get.
const published = "../docs/slo.schema.json"

// TestSchemaIsPublished finds the schema in the docs, as it is now.
func TestSchemaIsPublished(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(published, schema, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(published)
	if err != nil || !bytes.Equal(got, schema) {
		t.Errorf("%s is not the schema of now (go test ./config -run Published -update): %v", published, err)
	}
}

// TestSchemaOfExamples validates the files that people copy.
func TestSchemaOfExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples: ", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !bytes.HasPrefix(text, []byte("# yaml-language-server: $schema=../docs/slo.schema.json\n")) {
			t.Errorf("%s does not name the schema for editors", file)
		}
	}
}

// ofForm are the problems that a schema has to find: unknown keys, and values of a wrong type.
var ofForm = regexp.MustCompile(`unknown key|must be a mapping of|must be a list of|must be .*, not (a mapping|a list|nothing)|` +
	`must be (a duration|a percentage|true or false|a number|a whole number|service or slo|owner, mention or none|owner/name|made of|seconds,)`)

// agrees holds the schema to what Native says of a file: what is fine is valid, and an unknown key
// or a value of a wrong type is not.
func agrees(t *testing.T, doc string, problems []Problem) {
	t.Helper()
	err := validate(t, []byte(doc))
	switch form := wrongForm(problems); {
	case err != nil && !Failed(problems):
		t.Errorf("the file is fine, but not by the schema: %v", err)
	case err == nil && form != "":
		t.Errorf("the file is valid by the schema, but: %s", form)
	}
}

func wrongForm(problems []Problem) string {
	for _, p := range problems {
		if p.Severity == Error && ofForm.MatchString(p.Text) {
			return p.Text
		}
	}
	return ""
}

// compiled is the schema, for validation.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	schema, err := Schema()
	if err != nil {
		return nil, err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("slo.schema.json", parsed); err != nil {
		return nil, err
	}
	return compiler.Compile("slo.schema.json")
})

// validate validates all documents of a file.
func validate(t *testing.T, text []byte) error {
	t.Helper()
	schema, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return err
	}
	for {
		var value any
		if err := loader.Load(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		asJSON, err := json.Marshal(jsonValue(value))
		if err != nil {
			return err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			return err
		}
		if err := schema.Validate(document); err != nil {
			return err
		}
	}
}
