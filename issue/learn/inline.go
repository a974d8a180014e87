package learn

import (
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"

	"github.com/postburn/postburn/internal/lazyregexp"
)

// inline is the text of a block, gathered from its nodes.
type inline struct {
	source     []byte
	text, said strings.Builder
	links      []string
	task, done bool
}

// cut stands in Said for what is not the writer's own words, so that the words around it do not
// become neighbours.
const cut = "…"

// add gathers a node's text.
func (in *inline) add(n ast.Node, quoted bool) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			in.write(html.UnescapeString(unescape(string(c.Segment.Value(in.source)))), quoted)
			if c.SoftLineBreak() || c.HardLineBreak() {
				in.write(" ", quoted)
			}
		case *ast.String:
			in.write(string(c.Value), quoted)
		case *ast.CodeSpan:
			in.write(cut, true)
			in.add(c, true)
			in.said.WriteString(cut)
		case *ast.Link:
			in.links = append(in.links, html.UnescapeString(string(c.Destination)))
			in.add(c, true)
			in.said.WriteString(cut)
		case *ast.AutoLink:
			in.links = append(in.links, string(c.URL(in.source)))
			in.write(string(c.Label(in.source)), true)
			in.said.WriteString(cut)
		case *ast.Image:
			in.said.WriteString(cut)
		case *ast.RawHTML:
		case *extast.TaskCheckBox:
			in.task, in.done = true, c.IsChecked
		case *extast.Strikethrough: // taken back
		default:
			in.add(c, quoted)
		}
	}
}

func (in *inline) write(s string, quoted bool) {
	s = strings.Map(func(r rune) rune {
		if r == '\u200b' || r == '\ufeff' {
			return -1 // postburn breaks mentions with it
		}
		return r
	}, s)
	if s == cut && quoted {
		return
	}
	in.text.WriteString(s)
	if !quoted {
		in.said.WriteString(s)
	}
}

var escaped = lazyregexp.New("\\\\([!-/:-@\\[-`{-~])")

// unescape removes the backslashes before punctuation.
func unescape(s string) string { return escaped.ReplaceAllString(s, "$1") }

// quotations match what is in quotation marks. A single one inside a word is an apostrophe.
var quotations = lazyregexp.New(`"[^"]*"|“[^”]*”|«[^»]*»|„[^“”]*[“”]|(^|[\s(])['‘][^'’]+['’]($|[\s,.;:!?)])`)

// ownWords cuts what is in quotation marks.
func ownWords(s string) string {
	return strings.Join(strings.Fields(quotations.ReplaceAllString(strings.ReplaceAll(s, "’", "'"), " "+cut+" ")), " ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
