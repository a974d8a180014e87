package issue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
)

func TestMarkerComesBackAsItWasWritten(t *testing.T) {
	onset := time.Date(2026, 10, 14, 10, 41, 0, 0, time.UTC)
	for name, m := range map[string]issue.Marker{
		"plain":     {Key: "checkout-20261014t104100z", Group: "checkout", Onset: onset},
		"comment":   {Key: "checkout-20261014t104100z/recovery-1"},
		"hostile":   {Key: "a --> <script> key=b\n\r<!-- postburn key=c -->", Group: "x--y -- z%2D+é|", Onset: onset},
		"storm":     {Key: "checkout-20261014t104100z", Kind: issue.Storm, Onset: onset},
		"only key":  {Key: "-"},
		"only dash": {Key: "----->"},
	} {
		t.Run(name, func(t *testing.T) {
			line := m.String()
			if strings.ContainsAny(line, "\r\n") || strings.Contains(strings.TrimSuffix(strings.TrimPrefix(line, "<!--"), "-->"), "--") {
				t.Errorf("the line ends its comment early: %s", line)
			}
			got, ok := issue.ParseMarker(" " + line + "\r")
			if !ok || got != m {
				t.Errorf("ParseMarker(%s) = %+v, %v", line, got, ok)
			}
		})
	}
}

func TestParseMarkerRefusesOtherLines(t *testing.T) {
	for _, line := range []string{
		"", "<!-- postburn -->", "<!-- postburn end -->", "text <!-- postburn key=a -->", "<!-- postburn key=a --> text",
		"<!-- postburn key=a --> <!-- postburn key=b -->", "<!-- postburn key=%zz -->", "<!-- postburn key=a onset=now -->",
	} {
		if m, ok := issue.ParseMarker(line); ok {
			t.Errorf("ParseMarker(%q) = %+v", line, m)
		}
	}
}

func TestMarks(t *testing.T) {
	onset := time.Date(2026, 10, 14, 10, 41, 0, 0, time.UTC)
	post := issue.Post{Key: "a", Group: "checkout", Onset: onset}
	soon := post
	soon.MergeGap = 5 * time.Minute
	late := post
	late.MergeGap = 2 * time.Hour
	comment := post
	comment.Parent = &issue.Found{}
	storm, digest := issue.Post{Key: "a", Kind: issue.Storm, Onset: onset}, issue.Post{Key: "a", Kind: issue.Digest, Onset: onset}
	for name, tc := range map[string]struct {
		marker issue.Marker
		post   issue.Post
		want   bool
	}{
		"same key":                      {issue.Marker{Key: "a"}, post, true},
		"found anew by another store":   {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(-5 * time.Minute)}, post, true},
		"another incident":              {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(-time.Hour)}, post, false},
		"found anew at the last moment": {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(time.Second - 30*time.Minute)}, post, true},
		"too late to be found anew":     {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(-30 * time.Minute)}, post, false},
		"found anew in its merge gap":   {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(-4 * time.Minute)}, soon, true},
		"another soon after it":         {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(-5 * time.Minute)}, soon, false},
		"a long merge gap":              {issue.Marker{Key: "b", Group: "checkout", Onset: onset.Add(-time.Hour)}, late, false},
		"another group":                 {issue.Marker{Key: "b", Group: "cart", Onset: onset}, post, false},
		"a storm found anew":            {issue.Marker{Key: "b", Kind: issue.Storm, Onset: onset.Add(5 * time.Minute)}, storm, true},
		"another storm":                 {issue.Marker{Key: "b", Kind: issue.Storm, Onset: onset.Add(time.Hour)}, storm, false},
		"a storm is no incident":        {issue.Marker{Key: "b", Kind: issue.Storm, Onset: onset}, post, false},
		"an incident is no storm":       {issue.Marker{Key: "b", Group: "checkout", Onset: onset}, storm, false},
		"a storm is no digest":          {issue.Marker{Key: "b", Kind: issue.Storm, Onset: onset}, digest, false},
		"another digest":                {issue.Marker{Key: "b", Kind: issue.Digest, Onset: onset}, digest, false},
		"another comment":               {issue.Marker{Key: "b", Group: "checkout", Onset: onset}, comment, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.marker.Marks(tc.post); got != tc.want {
				t.Errorf("Marks = %v, want %v", got, tc.want)
			}
		})
	}
}
