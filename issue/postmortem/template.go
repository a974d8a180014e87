package postmortem

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"github.com/postburn/postburn/issue"
)

// maxWrong is how many characters of an error in a template are shown.
const maxWrong = 300

// TemplateError is what is wrong with a user's template.
type TemplateError struct {
	File         string
	Line, Column int // from 1; 0 if it is not known
	Text         string
}

func (e *TemplateError) Error() string {
	at := e.File
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			at += ":" + strconv.Itoa(n)
		}
	}
	return at + ": " + e.Text
}

// CheckTemplate writes samples with a user's template: a breach that is still open, one that is
// over with all the evidence there may be, and one of each other kind. It returns a *TemplateError
// if something is wrong.
func CheckTemplate(t issue.Template) error {
	for _, f := range samples() {
		if _, err := executeOwn(t, NewView(f)); err != nil {
			return err
		}
	}
	return nil
}

// executeOwn writes an issue's text with a user's template. Its error is a *TemplateError.
func executeOwn(t issue.Template, view View) (string, error) {
	body, err := executeText(t.Text, view)
	if err != nil {
		return "", located(t.File, err)
	}
	return body, nil
}

// own is the name of a user's template in errors.
const own = "own"

// executeText writes with a user's template, which may use the built-in ones. Whatever the template
// does, it ends soon and takes little memory; see meter.
func executeText(text string, view View) (body string, err error) {
	defer func() {
		if wrong := recover(); wrong != nil {
			err = fmt.Errorf("it makes package text/template fail: %v", wrong)
		}
	}()
	b := newBudget()
	functions := refused()
	functions["print"], functions["println"] = b.print, b.println
	t, err := template.New("").Funcs(functions).ParseFS(builtIn, "templates/*.md.tmpl")
	if err != nil {
		return "", fmt.Errorf("reading the built-in templates: %w", err)
	}
	if t, err = t.New(own).Option("missingkey=error").Parse(text); err != nil {
		return "", err
	}
	if err := meter(t); err != nil {
		return "", err
	}
	if err := t.Funcs(template.FuncMap{spendName: b.spend}).Execute(&b.text, view); err != nil {
		return "", err
	}
	body = tidy(b.text.String())
	if strings.TrimSpace(body) == "" {
		return "", errors.New("the text is empty")
	}
	return body, nil
}

// refused are functions that templates may not call: they could take a value apart, and remove what
// makes it inert.
func refused() template.FuncMap {
	functions := template.FuncMap{}
	for _, name := range []string{"slice", "printf", "html", "js", "urlquery", "call"} {
		functions[name] = func(...any) (string, error) {
			return "", errors.New("it is not available, because it could undo escaping; values can be used as they are")
		}
	}
	return functions
}

// position is how package text/template begins its errors.
var position = regexp.MustCompile(`^template: ([^:]*):(\d+)(?::(\d+))?: (?s:(.*))$`)

// located finds the place in an error. Columns of text/template begin at 0.
func located(file string, err error) *TemplateError {
	at := position.FindStringSubmatch(err.Error())
	if at == nil {
		return &TemplateError{File: file, Text: shortened(err.Error())}
	}
	e := &TemplateError{File: file, Text: at[4]}
	var over overBudget
	if errors.As(err, &over) {
		e.Text = over.Error()
	}
	e.Text = shortened(e.Text)
	if at[1] != own {
		e.Text = "in the built-in " + at[1] + ": " + e.Text
		return e
	}
	e.Line, _ = strconv.Atoi(at[2])
	if at[3] != "" {
		e.Column, _ = strconv.Atoi(at[3])
		e.Column++
	}
	e.Text = strings.TrimPrefix(e.Text, `executing "own" at `)
	return e
}

// shortened cuts a text, which may hold all of a template, or of a value, and writes what is not
// printable as Go does: the text is shown in terminals.
func shortened(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxWrong {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return b.String()
}
