package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
)

// addPostMortems adds the issues of acme/shop: 1 lacks nothing, and 2 is as it was opened. Those of
// acme/finished: 1 was closed as completed, 2 as not planned, 3 is open, and 4 is a person's.
func addPostMortems(t *testing.T, server *githubtest.Server) {
	t.Helper()
	for _, file := range []string{"../../issue/learn/lint/testdata/complete.md", "../../issue/postmortem/testdata/recovered.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		title, body, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		server.AddIssue("acme/shop", githubtest.Issue{Title: title, Body: strings.ReplaceAll(body, "\n", "\r\n"), Author: "postburn-robot", State: "open"})
		if strings.HasSuffix(file, "complete.md") {
			addFinished(server, title, body)
		}
	}
}

func addFinished(server *githubtest.Server, title, body string) {
	finished := githubtest.Issue{
		Title: title, Body: "<!-- postburn key=checkout-1 -->\r\n" + strings.ReplaceAll(body, "\n", "\r\n"), Author: "postburn-robot", State: "closed", Reason: "completed",
		Labels: []string{"postburn", "service:checkout", "severity:2", "cause:deploy"},
	}
	noise, open, other := finished, finished, finished
	noise.Reason, open.State, open.Reason, other.Author = "not_planned", "open", "", "mallory"
	finished.Comments = []*githubtest.Comment{{ID: 1, Author: "alice", Body: "11:14 restarted nginx", Created: time.Date(2026, 10, 14, 11, 20, 0, 0, time.UTC)}}
	for _, i := range []githubtest.Issue{finished, noise, open, other} {
		server.AddIssue("acme/finished", i)
	}
}

func TestParseIssue(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.com/acme/shop/issues/12":                 "acme/shop",
		"https://github.com/acme/shop/issues/12#issuecomment-3":  "acme/shop",
		"https://ghe.example.org/acme/shop/issues/12/":           "acme/shop",
		"https://github.com/acme/shop/pull/12":                   "",
		"https://github.com/acme/shop/issues/new":                "",
		"https://github.com/acme/shop/issues/-1":                 "",
		"https://github.com/acme/issues/12":                      "",
		"https://github.com/":                                    "",
		"https://github.com/acme/shop/issues/12/labels/anything": "",
		"https://[": "",
	} {
		repository, ref, err := parseIssue(address)
		if repository != want || (err == nil) != (want != "") || want != "" && ref.Number != 12 {
			t.Errorf("%s: got %q, %+v, %v", address, repository, ref, err)
		}
	}
}

func TestIsSameServer(t *testing.T) {
	for _, test := range []struct {
		address, api string
		want         bool
	}{
		{"https://github.com/acme/shop/issues/12", "", true},
		{"https://www.github.com/acme/shop/issues/12", "", true},
		{"https://github.com/acme/shop/issues/12", "https://api.github.com", true},
		{"https://ghe.example.org/acme/shop/issues/12", "https://ghe.example.org/api/v3", true},
		{"https://acme.ghe.com/acme/shop/issues/12", "https://api.acme.ghe.com", true},
		{"https://ghe.example.org/acme/shop/issues/12", "", false},
		{"https://github.com/acme/shop/issues/12", "https://ghe.example.org/api/v3", false},
		{"https://github.com.evil.example/acme/shop/issues/12", "", false},
	} {
		if err := isSameServer(test.address, test.api); (err == nil) != test.want {
			t.Errorf("%s at %q: %v", test.address, test.api, err)
		}
	}
}
