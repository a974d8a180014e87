package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

//go:embed templates
var files embed.FS

//go:embed style.css
var style string

//go:embed page.css
var pageStyle string

// Style is the style sheet of Body, for a page that has one of its own.
func Style() string { return style }

// FileStyle is the style sheet of the file that HTML writes, as a content security policy needs it.
func FileStyle() string { return pageStyle + style }

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"style":    func() template.CSS { return template.CSS(FileStyle()) },
	"minute":   humanize.Minute,
	"number":   func(n int) string { return humanize.Number(float64(n)) },
	"count":    humanize.Count,
	"many":     humanize.Plural,
	"list":     humanize.List,
	"date":     humanize.Date,
	"rfc3339":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"link":     func(address string) template.URL { return template.URL(httpAddress(address)) },
	"attained": func(o Objective, a Attained) string { return unbroken(attainedText(o, a)) },
	"target":   func(o Objective) string { return unbroken(targetText(o)) },
	"spent":    func(a Attained) string { return unbroken(spentText(a)) },
	"bad":      badText,
	"blind":    blindCell,
	"since":    sinceText,
	"met":      Attained.isMet,
	"strip":    Objective.strip,
	"named":    func(o Objective) string { return printable(o.name) },
	"shown":    printable,
}).ParseFS(files, "templates/*.tmpl"))

// view is what the templates show.
type view struct {
	Report
	Shown     []Service
	LeftOut   int
	Facts     []fact
	Chart     chart
	Notes     []string
	Sentences []string
}

func (r Report) view() view {
	v := view{Report: r, Facts: r.Incidents.facts(), Chart: r.chart(), Notes: r.notes()}
	v.Shown, v.LeftOut = r.shown()
	s := r.sentences(printable)
	v.Sentences = []string{s.Better, s.Worse, s.CameBack}
	return v
}

// HTML writes the report as one file that loads nothing from elsewhere and prints well.
func (r Report) HTML() ([]byte, error) { return r.execute("page") }

// Body writes the report as part of another page, which has Style.
func (r Report) Body() (template.HTML, error) {
	text, err := r.execute("report")
	return template.HTML(text), err // written by html/template, which escapes
}

func (r Report) execute(name string) ([]byte, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, r.view()); err != nil {
		return nil, fmt.Errorf("writing the report as HTML: %w", err)
	}
	return b.Bytes(), nil
}
