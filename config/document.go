package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxWork bounds how much is read of a file, after aliases, merge keys and defaults are filled in:
// in bytes, and nodeWork for each key and value.
const (
	maxWork  = 4 * maxFile
	nodeWork = 16
)

// document is the text of a YAML file: where things are in it, and all that is wrong with them.
type document struct {
	name     string
	lines    []string
	widths   []int // of the lines, in characters
	problems []Problem
	kept     []keptPlace // of the present slo
	work     int         // how much of maxWork is done
	isSecret bool        // problems may not quote it

	// origins are the places of nodes that no text has: those that were made from a foreign file.
	origins map[*yaml.Node]Position
}

func newDocument(doc []byte, name string) *document {
	d := &document{name: name, lines: strings.Split(string(bytes.TrimPrefix(doc, []byte("\ufeff"))), "\n")}
	d.widths = make([]int, len(d.lines))
	for i, line := range d.lines {
		d.widths[i] = utf8.RuneCountInString(line)
	}
	return d
}

// parse returns the roots of all YAML documents that are not empty. A syntax error ends the file.
func (d *document) parse(doc []byte) (roots []*yaml.Node) {
	// Duplicate keys are looked for here, because the YAML package says the position of the mapping
	// only.
	loader, err := yaml.NewLoader(bytes.NewReader(doc), yaml.WithUniqueKeys(false))
	if err != nil {
		d.syntaxError(err)
		return nil
	}
	for {
		var root yaml.Node
		err := loader.Load(&root)
		if errors.Is(err, io.EOF) {
			return roots
		}
		if err != nil {
			d.syntaxError(err)
			return roots
		}
		if len(root.Content) == 1 && root.Content[0].Tag != "!!null" {
			roots = append(roots, root.Content[0])
		}
	}
}

func (d *document) syntaxError(err error) {
	at, text := d.firstControl(), err.Error()
	var found *yaml.LoadError
	if errors.As(err, &found) {
		text = found.Message
		if found.ContextMsg != "" {
			text = fmt.Sprintf("%s %s", text, found.ContextMsg)
			if found.ContextMark.Line > 0 && found.ContextMark.Line != found.Mark.Line {
				text = fmt.Sprintf("%s at line %d", text, found.ContextMark.Line)
			}
		}
		if found.Mark.Line > 0 {
			at = d.position(found.Mark.Line, found.Mark.Column)
		}
	}
	d.add(Problem{Position: at, Text: "not valid YAML: " + text})
}

// firstControl is the position of the first character that YAML does not allow: the YAML package
// names it without a position.
func (d *document) firstControl() Position {
	for i, line := range d.lines {
		column := 1
		for _, r := range strings.TrimSuffix(line, "\r") {
			if r == utf8.RuneError || (r < ' ' && r != '\t') || r == 0x7f {
				return d.position(i+1, column)
			}
			column++
		}
	}
	return d.position(1, 1)
}

// position is inside the file, even if the YAML package is off.
func (d *document) position(line, column int) Position {
	line = min(max(line, 1), len(d.lines))
	column = min(max(column, 1), d.widths[line-1]+1)
	return Position{File: d.name, Line: line, Column: column}
}

func (d *document) at(n *yaml.Node) Position {
	if d.origins != nil {
		return d.origins[n]
	}
	return d.position(n.Line, n.Column)
}

func (d *document) add(p Problem) {
	if d.isSecret {
		p.Text = hideValues(p.Text)
	}
	d.problems = append(d.problems, p)
}

// count is how many problems there are so far.
func (d *document) count() int { return len(d.problems) }

func (d *document) errorf(n *yaml.Node, format string, args ...any) {
	d.add(Problem{Position: d.at(n), Text: fmt.Sprintf(format, args...)})
}

func (d *document) warnf(n *yaml.Node, format string, args ...any) {
	d.add(Problem{Position: d.at(n), Severity: Warning, Text: fmt.Sprintf(format, args...)})
}

// spend counts text that is looked at. It reports false once that is more than a file may make with
// aliases: then nothing more of the file is read.
func (d *document) spend(n *yaml.Node) bool { return d.spendWork(n, nodeWork+len(n.Value)) }

// spendWork is spend for as much work, at a place.
func (d *document) spendWork(n *yaml.Node, work int) bool {
	if d.isFull() {
		return false
	}
	d.work += work
	if d.isFull() {
		d.errorf(n, "too much text: with all aliases and defaults filled in, a file may have %d MiB", maxWork>>20)
		return false
	}
	return true
}

// isFull reports whether nothing more of the file is read.
func (d *document) isFull() bool { return d.work > maxWork }

// spendItems counts the items of a list, before they are read themselves.
func (d *document) spendItems(n int) { d.work += nodeWork * n }

// inside is the position of the byte at an offset of a scalar's value. Where the value is not on
// one line as it is, that is the position of the scalar.
func (d *document) inside(n *yaml.Node, offset int) Position {
	at := d.at(n)
	if d.origins != nil {
		return at
	}
	if d.widths[at.Line-1] > maxQuery {
		return at // not worth going through again and again
	}
	raw := []rune(d.lines[at.Line-1])
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || at.Column > len(raw) || offset > len(n.Value) {
		return at
	}
	raw = raw[at.Column-1:]
	wanted := utf8.RuneCountInString(n.Value[:max(offset, 0)])
	switch {
	case n.Style == 0 && strings.HasPrefix(string(raw), n.Value):
		return d.position(at.Line, at.Column+wanted)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		if column, ok := quotedColumn(raw, wanted); ok {
			return d.position(at.Line, at.Column+column)
		}
	}
	return at
}

// quotedColumn is where the wanted character of a quoted scalar is, counted from its opening quote;
// ok is false if the scalar does not end on its line.
func quotedColumn(raw []rune, wanted int) (column int, ok bool) {
	if _, found := skip(raw, -1); !found {
		return 0, false
	}
	return skip(raw, wanted)
}

// skip goes over so many characters of a quoted scalar, or to its closing quote if the number is
// negative or too large.
func skip(raw []rune, characters int) (column int, ok bool) {
	delimiter := raw[0]
	for i := 1; i < len(raw); characters-- {
		closing := raw[i] == delimiter && (delimiter == '"' || i+1 == len(raw) || raw[i+1] != '\'')
		switch {
		case closing || characters == 0:
			return i, true
		case delimiter == '\'' && raw[i] == '\'':
			i += 2
		case delimiter == '"' && raw[i] == '\\' && i+1 < len(raw):
			i += 2 + map[rune]int{'x': 2, 'u': 4, 'U': 8}[raw[i+1]]
		default:
			i++
		}
	}
	return 0, false
}
