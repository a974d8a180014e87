package web_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// object is a JSON object; its keys come out sorted.
type object = map[string]any

// enums are the values that texts have.
var enums = map[string][]any{
	"alert.State":         {alert.OK, alert.Burning, alert.Blind, alert.Quiet},
	"alert.Kind":          {alert.Burn, alert.Budget, alert.Blindness, alert.Quietness},
	"alert.PhaseKind":     {alert.Outage, alert.Degraded, alert.BlindGap},
	"web.Incident.State":  {alert.Burning, alert.Blind, alert.Quiet, "recovered"},
	"web.Incident.Triage": {issue.Completed, issue.Noise, issue.Duplicate, issue.Transferred, issue.Deleted},
}

// schemas makes JSON schemas of Go types: a field without omitempty is required, a pointer that is
// required may be null, and comments are descriptions.
type schemas struct {
	t        *testing.T
	comments map[string]string // by "package.Type" and "package.Type.Field"
	made     object            // by name
}

// newSchemas reads the comments of the packages that the answers' types are from.
func newSchemas(t *testing.T) *schemas {
	s := &schemas{t, map[string]string{}, object{}}
	for name, folder := range map[string]string{"web": ".", "issue": "../issue", "report": "../issue/learn/report"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			s.read(name, parsed)
		}
	}
	return s
}

func (s *schemas) read(pkg string, file *ast.File) {
	for _, declaration := range file.Decls {
		types, ok := declaration.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			spec := spec.(*ast.TypeSpec)
			name := pkg + "." + spec.Name.Name
			s.comments[name] = types.Doc.Text()
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range structure.Fields.List {
				for _, ident := range field.Names {
					s.comments[name+"."+ident.Name] = field.Doc.Text() + field.Comment.Text()
				}
			}
		}
	}
}

// of returns the schema of a type, for a field or by itself.
func (s *schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.Number]():
		return object{"type": "number"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return object{"$ref": "#/components/schemas/" + s.structure(t)}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return withEnum(object{"type": "string"}, t.String())
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Bool:
		return object{"type": "boolean"}
	}
	s.t.Fatalf("no schema for %v", t)
	return nil
}

// structure makes the schema of a struct once, and returns its name.
func (s *schemas) structure(t reflect.Type) string {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if strings.HasSuffix(t.PkgPath(), "/report") && name != "Report" {
		name = "Report" + name
	}
	if s.made[name] != nil {
		return name
	}
	properties, required := object{}, []string{}
	made := object{"type": "object", "properties": properties, "description": s.describe(t.String())}
	s.made[name] = made
	for _, f := range reflect.VisibleFields(t) {
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "" {
			continue // its own fields are visible, or it is not exported
		}
		owner := ownerOf(t, f)
		property := withEnum(s.of(f.Type), owner+"."+f.Name)
		property["description"] = s.describe(owner + "." + f.Name)
		if options == "" {
			required = append(required, key)
			if f.Type.Kind() == reflect.Pointer {
				property = nullable(property)
			}
		}
		s.checkUnit(owner+"."+f.Name, key, property)
		properties[key] = property
	}
	if len(required) > 0 {
		made["required"] = required
	}
	return name
}

// ownerOf returns the type that has a field, which may be embedded in another.
func ownerOf(t reflect.Type, f reflect.StructField) string {
	for _, n := range f.Index[:len(f.Index)-1] {
		t = t.Field(n).Type
	}
	return t.String()
}

func withEnum(schema object, name string) object {
	if values := enums[name]; values != nil {
		schema["enum"] = values
	}
	return schema
}

func nullable(schema object) object {
	if ref, ok := schema["$ref"]; ok {
		return object{"description": schema["description"], "oneOf": []any{object{"$ref": ref}, object{"type": "null"}}}
	}
	schema["type"] = []any{schema["type"], "null"}
	return schema
}

// describe returns what the comment of a type or field says, as sentences of their own.
func (s *schemas) describe(name string) string {
	text := strings.Join(strings.Fields(s.comments[name]), " ")
	if text == "" {
		s.t.Errorf("%s has no comment to describe it", name)
		return ""
	}
	_, simple, _ := strings.Cut(name, ".")
	for _, start := range []string{simple + " is the JSON form of ", simple + " is ", simple + " says "} {
		text = strings.TrimPrefix(text, start)
	}
	return string(unicode.ToUpper(rune(text[0]))) + strings.TrimSuffix(text[1:], ".") + "."
}

// unit is what the description of a number has to say.
var unit = regexp.MustCompile(`(?i)\b(seconds|ratio|events|burn rate|number|level|number of days)\b`)

func (s *schemas) checkUnit(field, key string, property object) {
	kind := property["type"]
	if types, ok := kind.([]any); ok {
		kind = types[0]
	}
	if text, _ := property["description"].(string); (kind == "number" || kind == "integer") && !unit.MatchString(text) {
		s.t.Errorf("%s (%s) has no unit in its description: %q", field, key, text)
	}
}
