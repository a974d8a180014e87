package web

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"strings"
	"unicode"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/postburn/postburn/issue"
)

// maxPostMortem is how many bytes of a post-mortem a page shows.
const maxPostMortem = 256 << 10

// markdown renders what GitHub would, with headings two levels lower, to fit below those of a page.
// Its HTML is not safe yet.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(lowerHeadings{}, 0))),
)

// lowerHeadings makes headings two levels lower.
type lowerHeadings struct{}

// Transform implements parser.ASTTransformer.
func (lowerHeadings) Transform(document *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // fn returns no error
		if heading, is := n.(*ast.Heading); is && entering {
			heading.Level = min(6, heading.Level+2)
		}
		return ast.WalkContinue, nil
	})
}

// harmless is the HTML that a post-mortem may have. Pictures are not: they would be fetched from
// other hosts.
var harmless = newHarmless()

func newHarmless() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h3", "h4", "h5", "h6", "p", "br", "hr", "em", "strong", "del", "b", "i", "sub", "sup", "code", "pre", "blockquote",
		"ul", "ol", "li", "details", "summary", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

// addPostMortem adds the text of the incident's issue, if browsers can't reach the tracker: it is a
// folder, for example.
func (v *incidentView) addPostMortem(ctx context.Context, d *Data, p issue.Publication) error {
	if d.PostMortem == nil || len(p.Writes) == 0 || p.Writes[0].Ref.URL == "" {
		return nil
	}
	source, err := d.PostMortem(ctx, p.Writes[0].Ref)
	if err != nil {
		v.NoPostMortem = shown(err.Error())
		return nil
	}
	v.PostMortem, err = renderPostMortem(source)
	return err
}

// renderPostMortem turns Markdown into HTML without anything that could run, be fetched, or hide.
func renderPostMortem(source string) (template.HTML, error) {
	if len(source) > maxPostMortem {
		source = source[:maxPostMortem] + "\n\n…"
	}
	source = withoutHidden(strings.ToValidUTF8(source, "\ufffd"))
	var b bytes.Buffer
	if err := markdown.Convert([]byte(source), &b); err != nil {
		return "", fmt.Errorf("rendering a post-mortem: %w", err)
	}
	safe := harmless.Sanitize(b.String()) // what was written as an entity is a character now
	return template.HTML(harmless.Sanitize(withoutHidden(safe))), nil
}

// withoutHidden drops characters that can't be seen.
func withoutHidden(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) {
			return -1
		}
		return r
	}, text)
}
