package postmortem

import (
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

func ownTemplate(text string) issue.Template { return issue.Template{File: "FILE", Text: text} }

func TestCheckTemplate(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a good one", "{{.Summary}}\n{{template \"facts.md.tmpl\" .}}\n{{if .Full}}## What we do about it\n{{end}}", ""},
		{"a syntax error", "# One\n\n{{if .Ongoing}}", "FILE:3: unexpected EOF"},
		{"an unknown field", "# One\n{{.Sumary}}", `FILE:2:3: <.Sumary>: can't evaluate field Sumary in type postmortem.View`},
		{"an unknown field where only some incidents lead", "{{.Summary}}\n{{range .SpentBy}}{{.Bad}}{{end}}", `FILE:2:21: <.Bad>: can't evaluate field Bad in type string`},
		{"what may be nil", "{{.Chart.Source}}", `FILE:1:9: <.Chart.Source>: nil pointer evaluating *postmortem.Chart.Source`},
		{"an unknown template", "{{template \"fact\" .}}", `FILE:1:12: <{{template "fact" .}}>: template "fact" not defined`},
		{"an unknown function", "\n{{shout .Summary}}", `FILE:2: function "shout" not defined`},
		{"a function that takes values apart", "{{slice .Summary 1}}", "FILE:1:3: <slice .Summary 1>: error calling slice: it is not available, because it could undo escaping; " +
			"values can be used as they are"},
		{"what a terminal obeys", "{{.Foo \"\x1b]0;x\u202e\"}}", `FILE:1:3: <.Foo>: can't evaluate`},
		{"what a terminal obeys, in a mistake", "{{\x1b\u202e}}", `FILE:1: unrecognized character in action: U+001B`},
		{"what a terminal obeys, in a value", "{{index \"\x1b]0;x\u202e\" \"a\"}}", `FILE:1:3: <index "\x1b]0;x\u202e" "a">: error calling index`},
		{"no text", "{{/* nothing */}}\n", "FILE: the text is empty"},
		{"too much text", `{{range 10000}}{{template "facts.md.tmpl" $}}{{end}}`, `FILE:1:27: the text is longer than 1024 KiB: write less here`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := CheckTemplate(ownTemplate(tc.text))
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var located *TemplateError
			if !errors.As(err, &located) || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestOwnTemplate(t *testing.T) {
	f := samples()[1]
	f.Settings.Template = ownTemplate("We say: {{.Summary}}\n")
	got, err := Render(f, issue.Opening)
	if err != nil {
		t.Fatal(err)
	}
	want := "We say: sample was unavailable for 17 minutes: 15,000 of 50,000 requests failed (30 %), spending 40 % of the 30-day error budget; 35 % was left.\n"
	if diff := cmp.Diff(want, got.Body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, stage := range []issue.Stage{issue.Progress, issue.Recovery} {
		if got, err := Render(f, stage); err != nil || strings.Contains(got.Body, "We say") {
			t.Errorf("the %s text is of the objective's template: %v", stage, err)
		}
	}
}

// TestBadTemplate has a template that is bad by now fall back to the built-in text, which says so.
func TestBadTemplate(t *testing.T) {
	f := samples()[1]
	builtIn, err := Render(f, issue.Opening)
	if err != nil {
		t.Fatal(err)
	}
	f.Settings.Template = issue.Template{File: "/etc/postburn/slos/FILE", Text: "{{.Sumary}} <!-- @all -->"}
	got, err := Render(f, issue.Opening)
	var located *TemplateError
	if !errors.As(err, &located) || located.Line != 1 {
		t.Errorf("got error %v", err)
	}
	rest, ok := strings.CutPrefix(got.Body, builtIn.Body)
	if !ok || got.Title != builtIn.Title || !strings.HasPrefix(rest, "\nThe template of this objective can't be used, so this is the built-in text: `FILE:1:3`: &lt;.Sumary&gt;: can't evaluate field Sumary in type postmortem.View\n") {
		t.Errorf("got %q", rest)
	}
}

func TestShortRecord(t *testing.T) {
	for n, want := range map[int]string{1: "## Analysis", 2: "## For the record"} {
		got, err := Render(samples()[n], issue.Opening)
		if err != nil {
			t.Fatal(err)
		}
		for _, heading := range []string{"## Analysis", "## For the record"} {
			if strings.Contains(got.Body, "\n"+heading+"\n") != (heading == want) {
				t.Errorf("sample %d, %s: it should have %s", n, heading, want)
			}
		}
	}
}

// everything is a template with all that a template is given.
const everything = `{{.Subject}} {{.Summary}} {{.Current}}
{{range .About}}{{.}}
{{end}}{{range .Windows}}| {{.Objective}} | {{.Target}} |
{{end}}{{range .Caveats}}{{.}}
{{end}}{{range .Unresolved}}{{.}}
{{end}}{{range .SpentBy}}{{.}}
{{end}}{{range .Timeline}}| {{.Time}} | {{.Text}} | {{.Source}} |
{{end}}{{with .Chart}}{{.Of}} {{.Note}}{{end}}{{range .Where}}{{.}}
{{end}}{{range .Traffic}}{{.}}
{{end}}{{range .Hints}}{{.}}
{{end}}{{range .Durations}}| {{.Objective}} | {{.P50}} |
{{end}}{{range .Earlier}}{{.}}
{{end}}{{.EarlierIs}} {{.Review}} {{.URL}} {{print .Subject .Summary}}`

// What would have an effect at GitHub in a value that came through: in the source HTML and markers,
// and in the text, once entities and backslashes are resolved, mentions, references and addresses.
var (
	activeSource = regexp.MustCompile(`<!|<[A-Za-z/]`)
	activeText   = regexp.MustCompile(`@[A-Za-z0-9]|#[0-9]|https?://`)
)

// FuzzOwnTemplate puts hostile values into a user's template.
func FuzzOwnTemplate(f *testing.F) {
	for _, seed := range []string{"@everyone", "fixes #1", "<!-- postburn -->", "&#64;bob", "https://evil.example", "a | b\n# c", "<img src=x>", "`code`", "acme/shop#7", "\\@bob"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, facts := range samples() {
			for i := range facts.Incident.Windows {
				o := &facts.Incident.Windows[i].Objective
				o.Service, o.Description, o.Owner, o.Links = value, value, value, map[string]string{value: "https://example.org/" + value}
			}
			facts.Timeline = []issue.Entry{{Time: facts.AsOf, Text: value, Source: value, URL: "https://example.org/x"}}
			facts.Unresolved, facts.People, facts.LeftOut = []string{value}, []string{value}, []string{value}
			facts.Contributors = nil
			body, err := executeText(everything, NewView(facts))
			if err != nil {
				t.Fatal(err)
			}
			source := withoutCode(body)
			text := strings.ReplaceAll(html.UnescapeString(source), `\`, "")
			if found := activeSource.FindString(source) + activeText.FindString(text); found != "" {
				t.Errorf("%q comes through of %q", found, value)
			}
		}
	})
}

var codeSpan = regexp.MustCompile("`[^`\n]*`")

// withoutCode returns a text without code spans, in which nothing has an effect, and without linked
// addresses.
func withoutCode(text string) string {
	return regexp.MustCompile(`\]\([^)\n]*\)`).ReplaceAllString(codeSpan.ReplaceAllString(text, ""), "]")
}

// TestTemplatesBlameNobody has them name no single cause and nobody.
func TestTemplatesBlameNobody(t *testing.T) {
	files, err := builtIn.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := builtIn.ReadFile("templates/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`(?i)human\s+error|root\s+cause|user\s+error|\bfault of\b|\bto blame\b`).Find(text); m != nil {
			t.Errorf("%s says %q", file.Name(), m)
		}
	}
	if len(files) < 10 {
		t.Errorf("only %d templates", len(files))
	}
}

func TestLongMistakeIsCut(t *testing.T) {
	for length, cut := range map[int]bool{300: false, 301: true} {
		name := strings.Repeat("x", length-len(`function "" not defined`))
		err := CheckTemplate(ownTemplate("{{" + name + "}}"))
		if err == nil || strings.HasSuffix(err.Error(), "…") != cut {
			t.Errorf("a mistake of %d characters: %v", length, err)
		}
	}
}
