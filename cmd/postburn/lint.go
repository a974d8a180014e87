package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/lint"
	"github.com/postburn/postburn/slo/humanize"
)

// lintCommand says what post-mortems lack.
type lintCommand struct {
	Sources []string `arg:"" name:"file|dir|url" help:"Post-mortems: Markdown files, folders of them, or addresses of GitHub issues."`
	Output  string   `help:"Format of the result: ${enum}." enum:"text,json" default:"text"`
}

// maxPostMortem is the most bytes read of a file. A post-mortem with all its comments is below
// 1 MiB, unless people paste images into it.
const maxPostMortem = 16 << 20

// linted is a post-mortem and what it lacks.
type linted struct {
	Name     string         `json:"name"` // its path or address
	Findings []lint.Finding `json:"findings"`
}

// Run prints what was found. It returns an error if anything was.
func (c lintCommand) Run(ctx context.Context, s surroundings) error {
	all := []linted{}
	var problems []error
	for _, source := range c.Sources {
		found, err := lintSource(ctx, s, source)
		all = append(all, found...)
		if err != nil {
			problems = append(problems, err)
		}
	}
	points, lacking := 0, 0
	for _, l := range all {
		points += len(l.Findings)
		if len(l.Findings) > 0 {
			lacking++
		}
	}
	if err := c.print(s.stdout, all); err != nil {
		return err
	}
	if points > 0 {
		problems = append(problems, fmt.Errorf("found %s in %d of %s", humanize.Plural(points, "point"), lacking, humanize.Plural(len(all), "post-mortem")))
	}
	return errors.Join(problems...)
}

func (c lintCommand) print(w io.Writer, all []linted) error {
	if c.Output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			PostMortems []linted `json:"post_mortems"`
		}{all})
	}
	var b strings.Builder
	for _, l := range all {
		reasons := map[string]bool{} // said already
		for _, f := range l.Findings {
			fmt.Fprintf(&b, "%s:%d: %s: %s\n", l.Name, f.Line, f.Rule, f.Text)
			if !reasons[f.Rule] {
				fmt.Fprintf(&b, "    %s\n", f.Reason)
				reasons[f.Rule] = true
			}
			if f.Example != "" {
				fmt.Fprintf(&b, "    %s\n", f.Example)
			}
		}
	}
	if b.Len() == 0 && len(all) > 0 {
		fmt.Fprintf(&b, "%s: nothing found\n", humanize.Plural(len(all), "post-mortem"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lintSource lints a file, all post-mortems in a folder and below, or an issue.
func lintSource(ctx context.Context, s surroundings, source string) ([]linted, error) {
	if strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "http://") {
		d, err := readIssue(ctx, s, source)
		if err != nil {
			return nil, err
		}
		return lintNamed(source, d)
	}
	info, err := os.Stat(source)
	if err != nil {
		return nil, fmt.Errorf("reading a post-mortem: %w", err)
	}
	if info.IsDir() {
		return lintFolder(source)
	}
	d, err := readPostMortem(source)
	if err != nil {
		return nil, err
	}
	return lintNamed(source, d)
}

// lintNamed lints what a user named as a post-mortem.
func lintNamed(name string, d learn.Document) ([]linted, error) {
	if !d.IsPostMortem() {
		return nil, fmt.Errorf("%s has no section of a post-mortem: lint knows them by headings such as \"Causes\", \"What went well\" and \"Follow-up actions\"", name)
	}
	return []linted{{name, lintDocument(d)}}, nil
}

func lintDocument(d learn.Document) []lint.Finding {
	return append([]lint.Finding{}, lint.Check(d)...) // never null in JSON
}

// lintFolder lints the files in a folder and below that have sections of a post-mortem. It leaves
// out what a template's or a hidden file's name begins with: "_" and ".".
func lintFolder(dir string) (all []linted, err error) {
	walked := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		hidden := path != dir && (strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_"))
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || !entry.Type().IsRegular() || filepath.Ext(path) != ".md":
			return nil
		}
		d, err := readPostMortem(path)
		if err == nil && d.IsPostMortem() {
			all = append(all, linted{path, lintDocument(d)})
		}
		return err
	})
	if walked == nil && len(all) == 0 {
		walked = fmt.Errorf("%s has no post-mortems: there is no .md file with headings such as \"Causes\" and \"Follow-up actions\"", dir)
	}
	return all, walked
}

func readPostMortem(path string) (learn.Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return learn.Document{}, fmt.Errorf("reading a post-mortem: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPostMortem))
	if err != nil {
		return learn.Document{}, fmt.Errorf("reading a post-mortem: %w", err)
	}
	return learn.Parse(string(text)), nil
}
