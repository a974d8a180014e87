package postmortem_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/postburn/postburn/issue/postmortem"
)

const zeroWidthSpace = "\u200b"

// shown parses Markdown and returns the text that it shows, and the kinds of nodes that are there
// beside text.
func shown(source string) (string, []string) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
	src := []byte(source)
	doc := md.Parser().Parse(text.NewReader(src))
	var b bytes.Buffer
	var kinds []string
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			value := n.Segment.Value(src)
			if _, code := n.Parent().(*ast.CodeSpan); !code {
				value = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
			}
			b.Write(value)
			if n.SoftLineBreak() || n.HardLineBreak() {
				kinds = append(kinds, "LineBreak")
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.Document, *ast.Paragraph, *extast.Table, *extast.TableHeader, *extast.TableRow, *extast.TableCell:
		default:
			kinds = append(kinds, n.Kind().String())
		}
		return ast.WalkContinue, nil
	})
	return b.String(), kinds
}

// hostile values, each with what is to be shown of it.
var hostile = map[string]string{
	"checkout":                               "checkout",
	"@acme/checkout":                         "@acme/checkout",
	"&#64;name &commat;name":                 "&#64;name &commat;name",
	"fixes #1, acme/shop#2, GH-3":            "fixes #1, acme/shop#2, GH-3",
	"deadbeefcafe0123456789abcdef":           "deadbeefcafe0123456789abcdef",
	"https://evil.example/a_b_c":             "https://evil.example/a_b_c",
	"HTTP://evil.example":                    "HTTP://evil.example",
	"www.evil.example":                       "www.evil.example",
	"mail bob@evil.example":                  "mail bob@evil.example",
	"[a](https://e.example)":                 "[a](https://e.example)",
	"![a](x.png)":                            "![a](x.png)",
	"[a]: https://e.example":                 "[a]: https://e.example",
	"[^1]: note[^1]":                         "[^1]: note[^1]",
	"<script>alert(1)</script>":              "<script>alert(1)</script>",
	"<!-- postburn key=x -->":                "<!-- postburn key=x -->",
	"-->":                                    "-->",
	"<https://e.example>":                    "<https://e.example>",
	"- [ ] task":                             "- [ ] task",
	"* item":                                 "* item",
	"+ item":                                 "+ item",
	"1. item":                                "1. item",
	"12) item":                               "12) item",
	"# heading":                              "# heading",
	"> quote":                                "> quote",
	"---":                                    "---",
	"===":                                    "===",
	"```sh":                                  "```sh",
	"~~~":                                    "~~~",
	"a | b |":                                "a | b |",
	`a \| b \`:                               `a \| b \`,
	"*a* _b_ __c__ ~~d~~ snake_cas":          "*a* _b_ __c__ ~~d~~ snake_cas",
	"`code` ``x`":                            "`code` ``x`",
	"one\n\n- two\r\nthree":                  "one - two three",
	"a\u2028b\u0085c\td":                     "a b c d",
	"a\u202eb\u2066c\u200bd\x00\x1be\u00ade": "abcdee",
	"\xff\xfe":                               "\ufffd",
	":tada: $x$ ${y}$":                       ":tada: $x$ ${y}$",
	"    indented":                           "indented",
	"":                                       "",
	strings.Repeat("long", 100):              strings.Repeat("long", 75) + "…",
}

func TestEscapeMakesValuesInert(t *testing.T) {
	for value, want := range hostile {
		t.Run(value, func(t *testing.T) {
			for name, escape := range map[string]func(string) string{"Escape": postmortem.Escape, "Code": postmortem.Code} {
				inert(t, name, escape(value), want)
			}
		})
	}
}

// inert checks a text alone on a line, within one, and in a table.
func inert(t *testing.T, name, escaped, want string) {
	t.Helper()
	for _, r := range escaped {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) {
			t.Errorf("%s has the character %U: %q", name, r, escaped)
		}
	}
	if strings.Contains(escaped, "<!--") || strings.Contains(escaped, "-->") {
		t.Errorf("%s can be taken for a marker: %s", name, escaped)
	}
	for _, in := range []struct{ before, after, table string }{{"", "", ""}, {"a: ", " z", ""}, {"**", "**", ""}, {"| ", " | z |", "| h | i |\n|---|---|\n"}} {
		if escaped == "" && in.before == "**" {
			continue
		}
		got, kinds := shown(in.table + in.before + escaped + in.after + "\n")
		wantShown := want
		switch in.before {
		case "a: ":
			wantShown = "a: " + want + " z"
		case "| ":
			wantShown = "hi" + want + "z"
		case "**":
			kinds = without(kinds, "Emphasis")
		}
		kinds = without(kinds, "CodeSpan")
		if got := strings.ReplaceAll(got, zeroWidthSpace, ""); got != wantShown {
			t.Errorf("%s %q shows %q, want %q", name, in.before+escaped+in.after, got, wantShown)
		}
		if len(kinds) > 0 {
			t.Errorf("%s %q makes %v", name, in.before+escaped+in.after, kinds)
		}
	}
}

// without leaves out the kinds of nodes that were put there on purpose: at most one.
func without(kinds []string, kind string) []string {
	for i, k := range kinds {
		if k == kind {
			return append(kinds[:i:i], kinds[i+1:]...)
		}
	}
	return kinds
}

func TestEscapeBreaksWhatGitHubFindsInText(t *testing.T) {
	for value, effect := range map[string]string{
		"@name": "@name", "#12": "#12", "GH-12": "GH-12", "012345a": "012345a", ":tada:": ":tada:", "www.a.b": "www.", "http://a": "http://",
		"$x$": "$x", "a@b.c": "@b", "a|012345a": "012345a", "a|www.a.b": "www.", "a|http://a": "http://", "(see http://a.b/c).": "http://",
		"pod-7d9f8b6c5d-x": "7d9f8b6",
	} {
		got, _ := shown(regexp.MustCompile("`[^`]*`").ReplaceAllString(postmortem.Escape(value), ""))
		if strings.Contains(got, effect) {
			t.Errorf("Escape(%q) shows %q outside of code, which has an effect", value, got)
		}
	}
}

// TestEscapeLeavesNumbersAndAddressesWhole checks that what people copy has nothing invisible in it.
func TestEscapeLeavesNumbersAndAddressesWhole(t *testing.T) {
	for value, want := range map[string]string{
		"20261014 requests":              "20261014 requests",
		"see https://a.example/x?y=z#a.": "see `https://a.example/x?y=z#a`.",
		"(www.a.example)":                "(`www.a.example`)",
		"pod shop-7d9f8b6c5d-abcde died": "pod `shop-7d9f8b6c5d-abcde` died",
		"at 10.0.0.1:8080":               "at 10.0.0.1:8080",
		"feed abc 1234567890 cafe":       "feed abc 1234567890 cafe",
	} {
		if got := postmortem.Escape(value); got != want {
			t.Errorf("Escape(%q) is %q, want %q", value, got, want)
		}
	}
}

func TestLink(t *testing.T) {
	for name, tc := range map[string]struct{ text, address, want string }{
		"https":        {"Runbook", "https://wiki.example/a?b=1&c=2#d", "[Runbook](https://wiki.example/a?b=1&amp;c=2#d)"},
		"not http":     {"x", "javascript:alert(1)", "x"},
		"no host":      {"x", "https:///a", "x"},
		"user":         {"x", "https://u:p@h.example", "x"},
		"relative":     {"x", "/a", "x"},
		"line break":   {"x", "https://a.example/\n- b", "x"},
		"ends itself":  {"x", "https://a.example/)b](c", "[x](https://a.example/%29b%5D%28c)"},
		"hostile text": {"a](b)", "https://a.example", `[a\](b)](https://a.example)`},
		"table":        {"x", "https://a.example/?a|b", "[x](https://a.example/?a%7Cb)"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := postmortem.Link(tc.text, tc.address); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func FuzzEscape(f *testing.F) {
	for value := range hostile {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		escaped := postmortem.Escape(value)
		inert(t, "Escape", escaped, unescaped(escaped))
		inert(t, "Code", postmortem.Code(value), unescaped(escaped))
	})
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#124;", "|", "&amp;", "&")

// unescaped reads an escaped text as Markdown does, without a parser.
func unescaped(s string) string {
	s = strings.ReplaceAll(s, "&#8203;", "")
	var b strings.Builder
	text, code := "", false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '`':
			if code = !code; code {
				text, b = text+entities.Replace(b.String()), strings.Builder{}
			} else {
				text, b = text+b.String(), strings.Builder{}
			}
			continue
		case s[i] == '\\' && i+1 < len(s) && !code:
			i++
		}
		b.WriteByte(s[i])
	}
	return text + entities.Replace(b.String())
}
