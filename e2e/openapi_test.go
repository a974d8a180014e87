//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// openAPI is GitHub's description of its REST API, as far as needed to check requests and answers.
// It is not kept here: `make setup` fetches it.
type openAPI struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas    map[string]*schema
		Parameters map[string]*parameter
		Responses  map[string]*response
	}
}

type operation struct {
	Parameters  []*parameter
	RequestBody *response `json:"requestBody"`
	Responses   map[string]*response
}

type parameter struct {
	Ref      string `json:"$ref"`
	Name, In string
	Schema   *schema
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema *schema }
}

// schema has the keywords that occur in the operations in use.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Nullable             bool
	Enum                 []any
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	OneOf, AnyOf, AllOf  []*schema
	AdditionalProperties json.RawMessage
}

// descriptionFile is where the Makefile has it, below the user's folder for caches.
const descriptionFile = "postburn/api.github.com-23.0.2.json"

var loadDescription = sync.OnceValues(func() (*openAPI, error) {
	text, err := os.ReadFile(filepath.Join(cacheFolder(), descriptionFile))
	if err != nil {
		return nil, fmt.Errorf("%w: run `make setup`", err)
	}
	d := new(openAPI)
	return d, json.Unmarshal(text, d)
})

// cacheFolder is the user's folder for caches, as the Makefile finds it.
func cacheFolder() string {
	return cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(os.Getenv("HOME"), ".cache"))
}

// description checks requests and answers against GitHub's description.
func description(t *testing.T) func(*http.Request, []byte, *http.Response) error {
	t.Helper()
	d, err := loadDescription()
	if err != nil {
		t.Fatal(err)
	}
	return d.check
}

func (d *openAPI) check(r *http.Request, body []byte, answer *http.Response) error {
	op, err := d.operation(r)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return errors.Join(d.checkQuery(op, r), d.checkRequest(op, r, body), d.checkAnswer(op, answer.StatusCode, content))
}

// operation finds the one with the fewest parameters in its path that a request is for.
func (d *openAPI) operation(r *http.Request) (*operation, error) {
	path := strings.Split(r.URL.EscapedPath(), "/")
	if len(path) > 2 && path[1] == "repositories" { // of redirects and links; not described
		path = append([]string{"", "repos", "owner", "name"}, path[3:]...)
	}
	best, least := "", 100
	for template := range d.Paths {
		parts := strings.Split(template, "/")
		if n := strings.Count(template, "{"); n < least && len(parts) == len(path) && matches(parts, path) {
			best, least = template, n
		}
	}
	raw, ok := d.Paths[best][strings.ToLower(r.Method)]
	if !ok {
		return nil, fmt.Errorf("no operation of this method and path")
	}
	op := new(operation)
	return op, json.Unmarshal(raw, op)
}

func matches(parts, path []string) bool {
	for i, p := range parts {
		if !strings.HasPrefix(p, "{") && p != path[i] {
			return false
		}
	}
	return true
}

func (d *openAPI) checkQuery(op *operation, r *http.Request) error {
	known := map[string]*schema{}
	for _, p := range op.Parameters {
		if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
			p = d.Components.Parameters[name]
		}
		if p.In == "query" {
			known[p.Name] = p.Schema
		}
	}
	for name, values := range r.URL.Query() {
		s := known[name]
		if s == nil {
			return fmt.Errorf("the query has %q, which is not known", name)
		}
		for _, text := range values {
			var value any = text
			if n, err := strconv.ParseFloat(text, 64); err == nil && d.resolve(s).Type == "integer" {
				value = n
			}
			if err := d.validate(s, value, "query "+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *openAPI) checkRequest(op *operation, r *http.Request, body []byte) error {
	if op.RequestBody == nil || len(body) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("the request has a body, which is not known")
		}
		return nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return fmt.Errorf("the request's body is of type %q", r.Header.Get("Content-Type"))
	}
	return d.validateJSON(op.RequestBody, body, "request")
}

// general are the answers that any request may get, and that are described for some only.
var general = []int{304, 401, 403, 404, 410, 422, 429}

func (d *openAPI) checkAnswer(op *operation, status int, content []byte) error {
	described := op.Responses[strconv.Itoa(status)]
	switch {
	case described != nil:
		return d.validateJSON(described, content, fmt.Sprintf("answer %d", status))
	case !slices.Contains(general, status) && status != http.StatusTemporaryRedirect && status != http.StatusMovedPermanently:
		return fmt.Errorf("an answer %d is not described", status)
	}
	return nil
}

func (d *openAPI) validateJSON(r *response, content []byte, where string) error {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		r = d.Components.Responses[name]
	}
	described, ok := r.Content["application/json"]
	if !ok {
		if len(content) > 0 {
			return fmt.Errorf("%s: there is a body, and none is described", where)
		}
		return nil
	}
	var value any
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&value); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return d.validate(described.Schema, value, where)
}

func (d *openAPI) resolve(s *schema) *schema {
	for s.Ref != "" {
		next := d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		if next == nil {
			panic("there is no schema " + s.Ref)
		}
		s = next
	}
	return s
}

// validate refuses what the schema does not know, too, unless the schema says that there may be
// more.
func (d *openAPI) validate(s *schema, value any, where string) error {
	s = d.resolve(s)
	if value == nil {
		if !s.Nullable && s.Type != "" {
			return fmt.Errorf("%s is null", where)
		}
		return nil
	}
	if len(s.AllOf) > 0 {
		return d.validateType(d.merge(s.AllOf), value, where)
	}
	if options := append(slices.Clone(s.OneOf), s.AnyOf...); len(options) > 0 {
		var all []error
		for _, option := range options {
			err := d.validate(option, value, where)
			if err == nil {
				return nil
			}
			all = append(all, err)
		}
		return fmt.Errorf("%s is none of %d forms: %w", where, len(all), errors.Join(all...))
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Errorf("%s is %v, and must be one of %v", where, value, s.Enum)
	}
	return d.validateType(s, value, where)
}

// merge is the object that has the properties of all.
func (d *openAPI) merge(all []*schema) *schema {
	merged := &schema{Type: "object", Properties: map[string]*schema{}}
	for _, s := range all {
		s = d.resolve(s)
		maps.Copy(merged.Properties, s.Properties)
		merged.Required = append(merged.Required, s.Required...)
	}
	return merged
}

func (d *openAPI) validateType(s *schema, value any, where string) error {
	ok := true
	switch s.Type {
	case "object":
		object, is := value.(map[string]any)
		if is {
			return d.validateObject(s, object, where)
		}
		ok = false
	case "array":
		array, is := value.([]any)
		for i, v := range array {
			if err := d.validate(s.Items, v, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
		ok = is
	case "string":
		_, ok = value.(string)
	case "boolean":
		_, ok = value.(bool)
	case "number", "integer":
		n, is := value.(float64)
		ok = is && (s.Type == "number" || n == float64(int64(n)))
	}
	if !ok {
		return fmt.Errorf("%s is %v, and must be of type %s", where, value, s.Type)
	}
	return nil
}

func (d *openAPI) validateObject(s *schema, object map[string]any, where string) error {
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			return fmt.Errorf("%s.%s is missing", where, name)
		}
	}
	more := string(s.AdditionalProperties)
	for name, v := range object {
		property := s.Properties[name]
		if property == nil && (more == "" || more == "false") && len(s.Properties) > 0 {
			return fmt.Errorf("%s.%s is not known", where, name)
		}
		if property == nil {
			continue
		}
		if err := d.validate(property, v, where+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// TestDescription has the check find what is wrong.
func TestDescription(t *testing.T) {
	check := description(t)
	good := `{"message": "Not Found"}`
	for name, tc := range map[string]struct{ method, url, body, answer, want string }{
		"well":             {"POST", "/repos/a/b/issues", `{"title": "x", "labels": ["y"]}`, good, ""},
		"an unknown field": {"POST", "/repos/a/b/issues", `{"title": "x", "label": ["y"]}`, good, "request.label is not known"},
		"a missing field":  {"POST", "/repos/a/b/issues", `{"body": "x"}`, good, "request.title is missing"},
		"a wrong type":     {"PATCH", "/repos/a/b/issues/1", `{"body": 7}`, good, "request.body is 7, and must be of type string"},
		"a wrong value":    {"PATCH", "/repos/a/b/issues/1", `{"state": "shut"}`, good, "request.state is shut"},
		"an unknown query": {"GET", "/repos/a/b/issues?status=all", "", good, `the query has "status"`},
		"a wrong query":    {"GET", "/repos/a/b/issues?state=any", "", good, "query state is any"},
		"an unknown path":  {"GET", "/repos/a/b/incidents", "", good, "no operation"},
		"a wrong answer":   {"GET", "/repos/a/b/issues/1", "", `{"message": 1}`, "answer 404.message is 1"},
		"unknown answers":  {"GET", "/repos/a/b/issues/1", "", `{"error": ""}`, "answer 404.error is not known"},
	} {
		r, err := http.NewRequest(tc.method, "https://api.github.com"+tc.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		err = check(r, []byte(tc.body), &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader(tc.answer))})
		if tc.want == "" && err != nil || tc.want != "" && !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}
