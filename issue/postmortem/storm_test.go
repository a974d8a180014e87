package postmortem_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo"
)

// storm is of three incidents: one is still open, and one has two objectives.
func storm() issue.Facts {
	first, second, third := recovered(), latency(), burning()
	first.Severity = 1
	first.Caveats = []slo.Caveat{{Kind: slo.NoData, Count: 3}}
	second.Objective.Service = "search"
	third.Objective.Name, third.Objective.Service, third.Severity = "payment-availability", "payment", 2
	third.Onset = at("10:43:00")
	incident := func(id string, windows ...alert.Window) alert.Incident {
		return alert.Incident{ID: id, Group: id, Windows: windows, Revision: 1}
	}
	return issue.Facts{
		Kind: issue.Storm, Interval: 30 * time.Second, AsOf: at("11:22:00"),
		Incidents: []alert.Incident{incident("a", first, second, budget()), incident("b", second), incident("c", third)},
		Pages:     map[string]string{"a": "https://postburn.example/incidents/a", "b": "https://postburn.example/incidents/b", "c": "https://postburn.example/incidents/c"},
	}
}

func manyCases() map[string]func() (issue.Facts, issue.Stage) {
	over := func() issue.Facts {
		f := storm()
		w := f.Incidents[2].Windows[0]
		w.Ended = at("11:30:00")
		f.Incidents[2].Windows = []alert.Window{w}
		f.AsOf = at("11:30:00")
		return f
	}
	return map[string]func() (issue.Facts, issue.Stage){
		"storm":          func() (issue.Facts, issue.Stage) { return storm(), issue.Opening },
		"storm-progress": func() (issue.Facts, issue.Stage) { return storm(), issue.Progress },
		"storm-return":   func() (issue.Facts, issue.Stage) { return storm(), issue.Return },
		"storm-over": func() (issue.Facts, issue.Stage) {
			f := over()
			f.Dropped = []string{"status:burning", "a`b", "@alice"}
			return f, issue.Opening
		},
		"storm-recovery": func() (issue.Facts, issue.Stage) {
			f := over()
			f.Edited = true
			return f, issue.Recovery
		},
		"digest": func() (issue.Facts, issue.Stage) {
			f := over()
			f.Kind, f.Pages = issue.Digest, nil
			return f, issue.Opening
		},
		"storm-of-one": func() (issue.Facts, issue.Stage) {
			f := storm()
			f.Incidents = f.Incidents[2:]
			return f, issue.Opening
		},
		"sweep": func() (issue.Facts, issue.Stage) {
			f := facts(recovered())
			f.Original = "https://github.com/acme/checkout/issues/41"
			return f, issue.Sweep
		},
		"mentioned": func() (issue.Facts, issue.Stage) {
			f := facts(recovered(), latency())
			f.Mention = []string{"@acme/checkout", "@bob"}
			return f, issue.Opening
		},
	}
}

func TestRenderMany(t *testing.T) {
	for name, c := range manyCases() {
		t.Run(name, func(t *testing.T) { golden(t, name, c) })
	}
}

// FuzzMany puts hostile values everywhere into a storm and a digest. The texts must have the same
// parts as with plain values.
func FuzzMany(f *testing.F) {
	type text struct {
		issue.Kind
		issue.Stage
	}
	var texts []text
	want := map[text]string{}
	for _, kind := range []issue.Kind{issue.Storm, issue.Digest} {
		for _, stage := range []issue.Stage{issue.Opening, issue.Progress, issue.Recovery, issue.Return} {
			texts = append(texts, text{kind, stage})
			want[text{kind, stage}] = outline(renderedWith(f, kind, stage, "plain"))
		}
	}
	for value := range hostile {
		for n := range texts {
			f.Add(value, uint8(n))
		}
	}
	f.Fuzz(func(t *testing.T, value string, n uint8) {
		of := texts[int(n)%len(texts)]
		body := renderedWith(t, of.Kind, of.Stage, value)
		if got := outline(body); got != want[of] {
			t.Errorf("the %s text of a %s with %q has the parts\n%s\nwant\n%s\n%s", of.Stage, of.Kind, value, got, want[of], body)
		}
		if strings.Contains(body, "<!--") || strings.Contains(body, "-->") {
			t.Errorf("the %s text of a %s with %q can be taken for a marker:\n%s", of.Stage, of.Kind, value, body)
		}
		for _, mention := range []string{"@acme", "@alice", "@bob", "@name"} {
			if strings.Contains(outsideCode(body), mention) {
				t.Errorf("the %s text of a %s with %q mentions %s", of.Stage, of.Kind, value, mention)
			}
		}
	})
}

func renderedWith(t testing.TB, kind issue.Kind, stage issue.Stage, value string) string {
	t.Helper()
	f := storm()
	f.Kind = kind
	f.Dropped = []string{value, "@" + value}
	for n := range f.Incidents {
		i := &f.Incidents[n]
		i.Group, i.ID = value, value
		// IDs are made to be short and plain
		f.Pages[value] = "https://postburn.example/incidents/1"
		for k := range i.Windows {
			w := &i.Windows[k]
			w.Objective.Service, w.Objective.Description, w.Objective.Owner = value, value, value
			w.Labels = slo.NewLabels(map[string]string{"region": value, "n": fmt.Sprint(n)})
		}
	}
	text, err := postmortem.Render(f, stage)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.Title, "<>@`|#\n") {
		t.Errorf("the title is %q", text.Title)
	}
	return text.Body
}

// outline is what a text has beside text: its blocks, and within them what has an effect. Whether a
// value is shown as code does not matter.
func outline(source string) string {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
	src := []byte(source)
	var b strings.Builder
	_ = ast.Walk(md.Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.Text, *ast.String, *ast.CodeSpan:
			return ast.WalkContinue, nil
		case *extast.TableCell:
			if entering {
				b.WriteString("|")
			}
			return ast.WalkContinue, nil
		}
		if entering {
			fmt.Fprintf(&b, "%s\n", n.Kind())
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// outsideCode is the text that is shown, without what is shown as code, in which nothing has an
// effect.
func outsideCode(source string) string {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	src := []byte(source)
	var b strings.Builder
	_ = ast.Walk(md.Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if _, code := n.(*ast.CodeSpan); code {
			return ast.WalkSkipChildren, nil
		}
		if n, ok := n.(*ast.Text); ok && entering {
			b.Write(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(n.Segment.Value(src)))))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
