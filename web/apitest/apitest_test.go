package apitest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/postburn/postburn/web/apitest"
)

// TestAnswer tells wrong answers from a right one.
func TestAnswer(t *testing.T) {
	description, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	checker, err := apitest.New(description)
	if err != nil {
		t.Fatal(err)
	}
	const right = `{"version":"1","started":null,"settings":{"A":"b"},"slo_files":{"revision":"","loaded":null,"changed":null,"changes":[]},` +
		`"objectives":{"all":1,"ok":1,"burning":0,"blind":0,"quiet":0},"lag_seconds":1.5,"prometheus_answered":"2026-11-28T14:00:00Z","failing":[],"waiting":[]}`
	for name, tc := range map[string]struct {
		old, new, kind string // of the body, and its type
		status         int
		ok             bool
	}{
		"a right one":              {status: 200, ok: true},
		"a field more":             {`"failing"`, `"extra":1,"failing"`, "", 200, false},
		"a field more, deep":       {`"ok":1`, `"ok":1,"extra":1`, "", 200, false},
		"a field missing":          {`"failing":[],`, ``, "", 200, false},
		"null where none may be":   {`"failing":[]`, `"failing":null`, "", 200, false},
		"another type":             {`"all":1`, `"all":"1"`, "", 200, false},
		"no whole number":          {`"all":1`, `"all":1.5`, "", 200, false},
		"no time":                  {`2026-11-28T14:00:00Z`, `yesterday`, "", 200, false},
		"no JSON":                  {`"version"`, `version`, "", 200, false},
		"a status out of the blue": {status: 418},
		"the form of an error":     {right, `{"error":"postburn is starting"}`, "", 503, true},
		"no error":                 {right, `{}`, "", 503, false},
		"another type of content":  {kind: "text/html", status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			kind := "application/json"
			if tc.kind != "" {
				kind = tc.kind
			}
			answer := &http.Response{StatusCode: tc.status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(strings.Replace(right, tc.old, tc.new, 1)))}
			err := checker.Answer(httptest.NewRequest(http.MethodGet, "/api/v1/status", nil), answer)
			if (err == nil) != tc.ok {
				t.Errorf("it is right: %v, want %v: %v", err == nil, tc.ok, err)
			}
		})
	}
	for path, ok := range map[string]bool{
		"/api/v1/incidents?limit=7": true, "/api/v1/incidents?limit=0": false, "/api/v1/incidents?limit=x": false, "/api/v1/incidents?state=closed": false,
		"/api/v1/none": false, "/api/v1/slos/a": true,
	} {
		if err := checker.Request(httptest.NewRequest(http.MethodGet, path, nil)); (err == nil) != ok {
			t.Errorf("%s is right: %v, want %v: %v", path, err == nil, ok, err)
		}
	}
}

// TestNew refuses what is no description.
func TestNew(t *testing.T) {
	for _, description := range []string{``, `{`, `{}`, `{"openapi":"3.1.0","paths":1}`} {
		if _, err := apitest.New([]byte(description)); err == nil {
			t.Errorf("%s is taken", description)
		}
	}
}
