package learn

import (
	"sort"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// Bounds of what is read. People write nothing that reaches them; hostile texts would take the
// Markdown parser minutes.
const (
	maxText     = 1 << 20 // bytes; GitHub's issues have at most 64 KiB
	maxBrackets = 3000    // opened in a text, as links and boxes are
	maxDepth    = 30      // of lists and quotations
)

// Parse takes a post-mortem apart. Comments of postburn's with later numbers may come with it. Any
// text is one: where nothing is recognised, all sections are of kind Other. A text of the local
// tracker may have postburn's comments below it; see Split.
func Parse(markdown string, later ...string) Document {
	body, comments := Split(withoutFrontMatter(markdown))
	d := parse(body)
	d.Record = newRecord(d)
	for _, c := range append(comments, later...) {
		d.Record.update(parse(c))
	}
	return d
}

func parse(markdown string) Document {
	source := []byte(tame(strings.ToValidUTF8(strings.ReplaceAll(markdown[:min(len(markdown), maxText)], "\r\n", "\n"), "\ufffd")))
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	p := &parser{source: source, lines: lineStarts(source)}
	p.sections = []Section{{Kind: Summary}}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		p.top(n)
	}
	return Document{Title: p.title, Sections: p.sections}
}

// withoutFrontMatter empties the lines of a static site's metadata.
func withoutFrontMatter(markdown string) string {
	lines := strings.SplitAfter(markdown, "\n")
	if strings.TrimRight(lines[0], "\r\n") != frontMatter {
		return markdown
	}
	for i, line := range lines[1:] {
		if strings.TrimRight(line, "\r\n") == frontMatter {
			return strings.Repeat("\n", i+2) + strings.Join(lines[i+2:], "")
		}
	}
	return markdown
}

// frontMatter is the line above and below a static site's metadata.
const frontMatter = "---"

// tame cuts a text where it has too many brackets, and lines that begin with too many quotation
// marks.
func tame(text string) string {
	brackets := 0
	for i := range len(text) {
		if text[i] == '[' {
			if brackets++; brackets > maxBrackets {
				text = text[:i]
				break
			}
		}
	}
	if !strings.Contains(text, ">") {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, "> \t")
		if begin := line[:len(line)-len(rest)]; strings.Count(begin, ">") > maxDepth {
			line = "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// parser walks the nodes of a Markdown text.
type parser struct {
	source   []byte
	lines    []int // byte offsets of lines
	title    string
	sections []Section
	closed   bool // after the footer
	hinted   bool // the next list is postburn's
}

func (p *parser) current() *Section { return &p.sections[len(p.sections)-1] }

// top reads a node that is below nothing else.
func (p *parser) top(n ast.Node) {
	hinted := p.hinted
	p.hinted = false
	if h, ok := n.(*ast.Heading); ok {
		p.heading(h)
		return
	}
	if p.closed {
		return
	}
	blocks := p.blocks(n, 0)
	for i := range blocks {
		b := &blocks[i]
		if b.Shape == Paragraph && strings.HasPrefix(b.Text, footer) {
			p.closed = true
			return
		}
		b.Form = b.Shape == Paragraph && isForm(p.current().Kind, b.Text) || hinted && b.Shape == Item
		p.hinted = p.hinted || b.Form && (strings.HasSuffix(b.Text, hints) || b.Text == unresolved)
	}
	p.current().Blocks = append(p.current().Blocks, blocks...)
}

// heading begins a section. An unknown heading below a known one is part of that section.
func (p *parser) heading(h *ast.Heading) {
	in := p.inline(h)
	name, line := oneLine(in.text.String()), p.line(h)
	if h.Level == 1 && p.title == "" && len(p.sections) == 1 {
		p.title = name
		return
	}
	kind, now := kindOf(name), p.current()
	if kind == Other && !p.closed && now.Kind != Other && now.Level > 0 && h.Level > now.Level {
		now.Blocks = append(now.Blocks, Block{Shape: Heading, Line: line, Text: name, Said: name})
		return
	}
	if kind == Summary && now.Level > 0 && h.Level > now.Level {
		now.Blocks = append(now.Blocks, Block{Shape: Heading, Line: line, Text: name, Said: name})
		return
	}
	p.closed = false
	p.sections = append(p.sections, Section{Kind: kind, Title: name, Line: line, Level: h.Level})
}

// blocks returns a node's blocks.
func (p *parser) blocks(n ast.Node, depth int) []Block {
	if depth > maxDepth {
		return nil
	}
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		return []Block{p.paragraph(n)}
	case *ast.Blockquote:
		b := Block{Shape: Quote, Line: p.line(n)}
		b.Text = oneLine(p.deep(n, depth).text.String())
		return []Block{b}
	case *ast.List:
		var all []Block
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			all = append(all, p.item(item, depth))
		}
		return all
	case *extast.Table:
		return p.table(n)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return []Block{{Shape: Code, Line: p.line(n), Text: cut}}
	}
	return nil // HTML, rules
}

func (p *parser) paragraph(n ast.Node) Block {
	in := p.inline(n)
	b := in.block(Paragraph, p.line(n))
	first, ok := n.FirstChild().(*ast.Emphasis)
	if !ok || first.Level != 1 {
		return b
	}
	asked := oneLine(p.inline(first).text.String())
	switch {
	case !strings.Contains(asked, "?"):
	case first.NextSibling() == nil:
		b.Shape = Prompt
	case strings.HasPrefix(b.Text, asked): // answered on the next line
		b.Text = strings.TrimSpace(strings.TrimPrefix(b.Text, asked))
		b.Said = strings.TrimSpace(strings.TrimPrefix(b.Said, ownWords(asked)))
	}
	return b
}

// item is an item of a list with all that is below it.
func (p *parser) item(n ast.Node, depth int) Block {
	in := p.deep(n, depth)
	b := in.block(Item, p.line(n))
	if in.task {
		b.Shape, b.Done = Task, in.done
	}
	return b
}

// deep gathers the text of a node and of all below it, quotations and code aside.
func (p *parser) deep(n ast.Node, depth int) *inline {
	in := &inline{source: p.source}
	var walk func(ast.Node, int, bool)
	walk = func(n ast.Node, depth int, quoted bool) {
		for c := n.FirstChild(); c != nil && depth <= maxDepth; c = c.NextSibling() {
			switch c := c.(type) {
			case *ast.Paragraph, *ast.TextBlock, *ast.Heading:
				in.add(c, quoted)
				in.write(" ", false)
			case *ast.Blockquote:
				walk(c, depth+1, true)
			case *ast.List, *ast.ListItem:
				walk(c, depth+1, quoted)
			}
		}
	}
	walk(n, depth, false)
	return in
}

func (p *parser) table(t *extast.Table) (rows []Block) {
	var names []string
	for r := t.FirstChild(); r != nil; r = r.NextSibling() {
		row := Block{Shape: Row, Line: p.line(r), Names: names}
		in := &inline{source: p.source}
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			cell := p.inline(c)
			row.Cells = append(row.Cells, oneLine(cell.text.String()))
			row.Links = append(row.Links, cell.links...)
			in.add(c, false)
			in.write(" ", false)
		}
		if _, head := r.(*extast.TableHeader); head {
			for _, c := range row.Cells {
				names = append(names, strings.ToLower(c))
			}
			continue
		}
		row.Text, row.Said = oneLine(in.text.String()), ownWords(in.said.String())
		rows = append(rows, row)
	}
	return rows
}

func (p *parser) inline(n ast.Node) *inline {
	in := &inline{source: p.source}
	in.add(n, false)
	return in
}

// block is what was gathered, as a block.
func (in *inline) block(s Shape, line int) Block {
	return Block{Shape: s, Line: line, Text: oneLine(in.text.String()), Said: ownWords(in.said.String()), Done: in.done, Links: in.links}
}

// line returns the line of a node, from 1: that of its first text.
func (p *parser) line(n ast.Node) int {
	for depth := 0; n != nil && depth <= maxDepth; depth++ {
		if t, ok := n.(*ast.Text); ok {
			return p.lineAt(t.Segment.Start)
		}
		if n.Type() == ast.TypeBlock && n.Lines() != nil && n.Lines().Len() > 0 {
			return p.lineAt(n.Lines().At(0).Start)
		}
		n = n.FirstChild()
	}
	return 0
}

func (p *parser) lineAt(offset int) int {
	return sort.SearchInts(p.lines, offset+1)
}

// lineStarts returns the offset at which each line begins.
func lineStarts(source []byte) []int {
	starts := []int{0}
	for i := range source {
		if source[i] == '\n' && i+1 < len(source) {
			starts = append(starts, i+1)
		}
	}
	return starts
}
