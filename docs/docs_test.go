// Package docs holds the documentation to the code: links lead somewhere, every variable and key is
// explained, SLO files pass the check, and pages stay short. It has no code but this test.
package docs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/config"
)

const (
	maxWords   = 1600 // of a page, code and measured tables aside
	maxColumns = 100  // of a line, tables, code and long links aside
)

// page is a page of the docs, taken apart.
type page struct {
	file   string
	lines  []line
	blocks []block
}

// line is one outside of code.
type line struct {
	number int // from 1
	text   string
}

// block is fenced code.
type block struct {
	language, text string
	number         int // of its first line, from 1
}

// pages reads all Markdown files that people are led to.
func pages(t *testing.T) (all []page) {
	t.Helper()
	for _, pattern := range []string{"*.md", "../*.md", "../examples/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			all = append(all, read(t, file))
		}
	}
	return all
}

func read(t *testing.T, file string) page {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := page{file: file}
	var open *block
	for i, l := range strings.Split(string(text), "\n") {
		language, fence := strings.CutPrefix(strings.TrimSpace(l), "```")
		switch {
		case fence && open == nil:
			open = &block{language: language, number: i + 2}
		case fence:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += l + "\n"
		case !strings.HasPrefix(l, "    "): // code, too
			p.lines = append(p.lines, line{i + 1, l})
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block of code has no end", file, open.number)
	}
	return p
}

// cells are the cells of a row of a table; nil where the line is none.
func (l line) cells() []string {
	row, ok := strings.CutPrefix(strings.TrimSpace(l.text), "|")
	if !ok {
		return nil
	}
	return strings.Split(strings.TrimSuffix(row, "|"), "|")
}

var number = regexp.MustCompile(`^[*+-]*[0-9]`)

// measured reports whether a line is a row of a table of figures: half of its cells begin with one.
func (l line) measured() bool {
	figures, filled := 0, 0
	for _, c := range l.cells() {
		if c = strings.TrimSpace(c); c != "" {
			filled++
		}
		if number.MatchString(c) {
			figures++
		}
	}
	return figures > 0 && 2*figures >= filled
}

func TestPagesAreShort(t *testing.T) {
	for _, p := range pages(t) {
		if filepath.Base(p.file) == "CHANGELOG.md" {
			continue // it is looked up, not read
		}
		words := 0
		for _, l := range p.lines {
			if !l.measured() {
				words += len(strings.Fields(strings.ReplaceAll(l.text, "|", " ")))
			}
		}
		if words > maxWords {
			t.Errorf("%s has %d words, more than the %d of one sitting: split it", p.file, words, maxWords)
		}
	}
}

var long = regexp.MustCompile(`\S{80,}|\]\([^)]{60,}\)`)

func TestLinesAreShort(t *testing.T) {
	for _, p := range pages(t) {
		for _, l := range p.lines {
			if n := utf8.RuneCountInString(l.text); n > maxColumns && l.cells() == nil && !long.MatchString(l.text) {
				t.Errorf("%s:%d: %d columns, at most %d", p.file, l.number, n, maxColumns)
			}
		}
	}
}

var (
	linked  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#+ +(.*)$`)
	markup  = regexp.MustCompile("[`*]|\\]\\([^)]*\\)|\\[")
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names by which GitHub links to a page's headings.
func (p page) anchors() (names []string) {
	for _, l := range p.lines {
		if h := heading.FindStringSubmatch(l.text); h != nil {
			name := dropped.ReplaceAllString(strings.ToLower(markup.ReplaceAllString(h[1], "")), "")
			names = append(names, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return names
}

func TestLinks(t *testing.T) {
	for _, p := range pages(t) {
		for _, l := range p.lines {
			for _, m := range linked.FindAllStringSubmatch(l.text, -1) {
				if err := p.leads(t, m[1]); err != nil {
					t.Errorf("%s:%d: %v", p.file, l.number, err)
				}
			}
		}
	}
}

// leads returns an error if a link leads nowhere. Other sites are not asked.
func (p page) leads(t *testing.T, link string) error {
	t.Helper()
	if strings.HasPrefix(link, "https://") {
		return nil
	}
	name, anchor, _ := strings.Cut(link, "#")
	target := p.file
	if name != "" {
		target = filepath.Join(filepath.Dir(p.file), name)
	}
	if _, err := os.Stat(target); err != nil {
		return fmt.Errorf("the link %s leads to no file", link)
	}
	if anchor != "" && !slices.Contains(read(t, target).anchors(), anchor) {
		return fmt.Errorf("the link %s leads to no heading; %s has %q", link, target, read(t, target).anchors())
	}
	return nil
}

// TestPagesAreListed finds each page in the table of contents.
func TestPagesAreListed(t *testing.T) {
	contents, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		if filepath.Dir(p.file) == "." && p.file != "README.md" && !strings.Contains(string(contents), "]("+p.file+")") {
			t.Errorf("docs/README.md does not list %s", p.file)
		}
	}
}

// TestVariables finds each variable that the daemon reads in docs/running.md.
func TestVariables(t *testing.T) {
	text, err := os.ReadFile("running.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	lookuper := envconfig.LookuperFunc(func(name string) (string, bool) {
		names = append(names, name)
		return "", false
	})
	// That required ones are missing is an error, and no matter here.
	_, _ = config.LoadEnvironment(context.Background(), lookuper)
	if len(names) < 15 {
		t.Fatalf("the daemon reads only %q", names)
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), "`"+name+"=") {
			t.Errorf("docs/running.md does not explain %s", name)
		}
	}
}

// TestKeys finds each key of the SLO file, and its default, in docs/slo-file.md or, if it is below
// `incident`, in docs/incidents.md.
func TestKeys(t *testing.T) {
	var text string
	for _, name := range []string{"slo-file.md", "incidents.md"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(page)
	}
	for _, key := range config.Keys() {
		path, name := regexp.QuoteMeta(key.Path()), regexp.QuoteMeta(key.Name)
		if !regexp.MustCompile("`" + path + "[`.]|`" + name + "`|\\b" + name + ":").MatchString(text) {
			t.Errorf("docs/slo-file.md does not explain %s", key.Path())
		}
		row := regexp.MustCompile("(?m)^\\| `(?:" + path + "|" + regexp.QuoteMeta(key.In) + ")` .*\\|([^|]*)\\|$").FindStringSubmatch(text)
		if key.Default != "" && (row == nil || !strings.Contains(row[1], key.Default)) {
			t.Errorf("docs/slo-file.md does not say that the default of %s is %s: %q", key.Path(), key.Default, row)
		}
	}
}

// TestSLOFiles checks the SLO files that pages show, as `postburn check` does.
func TestSLOFiles(t *testing.T) {
	checked := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.language != "yaml" || !strings.Contains("\n"+b.text, "\nslos:") || !strings.Contains(b.text, "indicator:") {
				continue
			}
			checked++
			file := filepath.Join(t.TempDir(), "slos.yaml")
			if err := os.WriteFile(file, []byte(b.text), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, problems := config.Load([]string{file}); config.Failed(problems) {
				t.Errorf("%s:%d: the SLO file is wrong: %v", p.file, b.number, problems)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d SLO files were checked", checked)
	}
}
