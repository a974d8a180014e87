package postmortem

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// Bounds of a user's template, and of the text that it makes, in bytes.
const (
	maxTemplate = 256 << 10
	maxText     = 1 << 20
)

// TemplateError is what is wrong with a user's template.
type TemplateError struct {
	File         string
	Line, Column int // from 1; 0 where it is not known
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

// CheckTemplate reads a user's template and writes samples with it: a breach that goes on, one that is over with all there may be of
// evidence, and one of each other kind. It returns a *TemplateError where something is wrong.
func CheckTemplate(file string) error {
	for _, f := range samples() {
		if _, err := executeFile(file, NewView(f)); err != nil {
			return err
		}
	}
	return nil
}

// executeFile writes an issue's text with a user's template. Its error is a *TemplateError.
func executeFile(file string, view View) (string, error) {
	text, err := readTemplate(file)
	if err != nil {
		return "", &TemplateError{File: file, Text: err.Error()}
	}
	body, err := executeText(text, view)
	if err != nil {
		return "", located(file, err)
	}
	return body, nil
}

func readTemplate(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return "", fmt.Errorf("reading the template: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the template: %w", err)
	case len(text) > maxTemplate:
		return "", fmt.Errorf("the template is larger than %d KiB", maxTemplate>>10)
	}
	return string(text), nil
}

// own is the name of a user's template in errors.
const own = "own"

// executeText writes with a user's template, which may use the built-in ones.
func executeText(text string, view View) (string, error) {
	t, err := template.New("").Funcs(refused()).ParseFS(builtIn, "templates/*.md.tmpl")
	if err != nil {
		return "", fmt.Errorf("reading the built-in templates: %w", err)
	}
	if t, err = t.New(own).Option("missingkey=error").Parse(text); err != nil {
		return "", err
	}
	b := bounded{left: maxText}
	if err := t.Execute(&b, view); err != nil {
		return "", err
	}
	body := tidy(b.String())
	if strings.TrimSpace(body) == "" {
		return "", errors.New("the text is empty")
	}
	return body, nil
}

// refused are the functions that could take a value apart, and with it what makes it inert.
func refused() template.FuncMap {
	functions := template.FuncMap{}
	for _, name := range []string{"slice", "printf", "html", "js", "urlquery", "call"} {
		functions[name] = func(...any) (string, error) {
			return "", errors.New("it could undo what makes values inert, and is not there; values are ready to be used as they are")
		}
	}
	return functions
}

// bounded takes so many bytes and no more.
type bounded struct {
	strings.Builder
	left int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("the text is longer than %d KiB", maxText>>10)
	}
	return b.Builder.Write(p)
}

// position is how package text/template begins its errors.
var position = regexp.MustCompile(`^template: ([^:]*):(\d+)(?::(\d+))?: (?s:(.*))$`)

// located finds the place in an error. Columns of text/template begin at 0.
func located(file string, err error) *TemplateError {
	at := position.FindStringSubmatch(err.Error())
	if at == nil {
		return &TemplateError{File: file, Text: err.Error()}
	}
	e := &TemplateError{File: file, Text: at[4]}
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
