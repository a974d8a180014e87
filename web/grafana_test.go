package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/postburn/postburn/web"
	"github.com/postburn/postburn/web/apitest"
)

// grafanaQuery is a query of Grafana's Infinity datasource.
type grafanaQuery struct {
	URL     string
	Root    string `json:"root_selector"`
	Columns []struct{ Selector, Type string }
}

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// TestGrafana has the queries of the docs answered: their URLs are as described, and each column is
// of a field that is described, and of its type.
func TestGrafana(t *testing.T) {
	page, err := os.ReadFile("../docs/grafana.md")
	if err != nil {
		t.Fatal(err)
	}
	checker, err := apitest.New(web.DescriptionJSON)
	if err != nil {
		t.Fatal(err)
	}
	var description object
	if err := json.Unmarshal(web.DescriptionJSON, &description); err != nil {
		t.Fatal(err)
	}
	blocks := jsonBlock.FindAllSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d queries, want 3", len(blocks))
	}
	for _, block := range blocks {
		var panel struct {
			grafanaQuery
			Targets []grafanaQuery
		}
		if err := json.Unmarshal(block[1], &panel); err != nil {
			t.Fatalf("%v in %s", err, block[1])
		}
		q := panel.grafanaQuery
		if len(panel.Targets) > 0 {
			q = panel.Targets[0]
		}
		q.check(t, checker, description)
	}
}

func (q grafanaQuery) check(t *testing.T, checker apitest.Checker, description object) {
	t.Helper()
	address := strings.NewReplacer("${__from:date:iso}", "1999-12-01T00:00:00.000Z", "${__to:date:iso}", "2000-01-31T00:00:00.000Z").Replace(q.URL)
	r := httptest.NewRequest(http.MethodGet, address, nil)
	if err := checker.Request(r); err != nil {
		t.Errorf("%s: %v", q.URL, err)
	}
	synctest.Test(t, func(t *testing.T) {
		if code, body := get(t, described().handler(), address); code != http.StatusOK {
			t.Errorf("%s: %d %s", q.URL, code, body)
		}
	})
	path := strings.Replace(r.URL.Path, "checkout-availability", "{name}", 1)
	at := lookUp(description, description, "paths", path, "get", "responses", "200", "content", "application/json", "schema")
	for _, part := range strings.Split(strings.ReplaceAll(q.Root, "[0]", ""), ".") {
		at = lookUp(description, at, "properties", part, "items")
	}
	if len(q.Columns) == 0 {
		t.Errorf("%s: no columns", q.URL)
	}
	for _, c := range q.Columns {
		field := at
		for _, part := range strings.Split(c.Selector, ".") {
			field = lookUp(description, field, "properties", part)
		}
		if got := grafanaType(field); got != c.Type {
			t.Errorf("%s: the column of %s is a %s, and the field a %q", q.URL, c.Selector, c.Type, got)
		}
	}
}

// lookUp follows keys and references; nil where they lead nowhere.
func lookUp(description, at object, keys ...string) object {
	for _, key := range keys {
		at, _ = at[key].(object)
		if ref, ok := at["$ref"].(string); ok {
			at = lookUp(description, description, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return at
}

// grafanaType returns the type of a field as Infinity names it.
func grafanaType(field object) string {
	kind := field["type"]
	if types, ok := kind.([]any); ok {
		kind = types[0]
	}
	switch {
	case field["format"] == "date-time":
		return "timestamp"
	case kind == "integer", kind == "number":
		return "number"
	}
	text, _ := kind.(string)
	return text
}
