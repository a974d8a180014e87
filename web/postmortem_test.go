package web_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

func TestPostMortemOnThePage(t *testing.T) {
	const file = "postmortems/checkout-1.md"
	for name, tc := range map[string]struct {
		text      string
		has, lack []string
	}{
		"what people write": {
			"<!-- postburn: key -->\n# checkout failed\n\nIt was **bad**, see [it](https://example.org/a?b=1&c=2).\n\n<details><summary>More</summary>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n</details>\n",
			[]string{
				"<h3>checkout failed</h3>", "<strong>bad</strong>", `href="https://example.org/a?b=1&amp;c=2"`, "noreferrer", "<details><summary>More</summary>",
				"<td>1</td>", "As it is in its file now.",
			},
			[]string{"postburn: key"},
		},
		"what could run or be fetched": {
			"# <script>alert(1)</script>\n\n<img src=https://evil.example/x onerror=alert(1)> ![x](https://evil.example/y) [a](javascript:alert(1)) <a href=\"data:text/html,x\" onclick=alert(1)>b</a>\n" +
				"<iframe src=https://evil.example></iframe><form action=/-/reload><button>x</button></form><style>main{display:none}</style><svg onload=alert(1)>\n\n<p style=color:red class=notice id=stale>c</p> \u202edesrever\n\n</section></main><h1>other</h1>",
			[]string{">c<", "desrever"},
			[]string{"<script>alert", "alert(1)", "evil.example", "<iframe", "<form action=/-/", "<button>x", "display:none}", "<svg onload", "color:red", "id=stale", "\u202e", "<h1>other", "data:text/html"},
		},
		"what can't be seen": {
			"a&#8203;b\u200bc <b>d&#x202e;e</b> <a href=\"java&#8203;script:alert(1)\">f</a> &lt;scr&#8203;ipt>g\n",
			[]string{"abc", "<b>de</b>", "&lt;script&gt;g"},
			[]string{"\u200b", "\u202e", "javascript:", "<script>g"},
		},
		"a text that goes on and on": {strings.Repeat("word ", 1<<20), []string{"…"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual()
				w.publications["checkout-1"] = published(file, "")
				w.texts = map[string]string{file: tc.text}
				code, page := get(t, w.handler(), "/incidents/checkout-1")
				_, got, _ := strings.Cut(page, "</h2>\n<p class=\"muted\">As it is in")
				got = "As it is in" + got
				for _, has := range tc.has {
					if code != 200 || !strings.Contains(got, has) {
						t.Errorf("%d: %q is not in:\n%.5000s", code, has, got)
					}
				}
				for _, lack := range tc.lack {
					if strings.Contains(got, lack) {
						t.Errorf("%q is in:\n%.5000s", lack, got)
					}
				}
				if len(page) > 1<<20 {
					t.Errorf("the page has %d bytes", len(page))
				}
				balanced(t, page)
			})
		})
	}
}

func TestPostMortemThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual()
		w.publications["checkout-1"] = published("postmortems/gone.md", "")
		if code, page := get(t, w.handler(), "/incidents/checkout-1"); code != 200 || !strings.Contains(text(page), "The post-mortem can't be read: "+issue.ErrNotFound.Error()) {
			t.Errorf("%d: %s", code, text(page))
		}
	})
}

// FuzzPostMortem looks for Markdown that brings a script, or breaks out of its part of the page.
func FuzzPostMortem(f *testing.F) {
	for _, seed := range []string{"# a\n<script>alert(1)</script>", "[a](javascript:b)", "<details><summary>x", "</section><h1>", "| a |\n|---|\n| <img src=x onerror=y> |", "\u202e`x"} {
		f.Add(seed)
	}
	if text, err := os.ReadFile("../issue/postmortem/testdata/burning.md"); err == nil {
		f.Add(string(text))
	}
	handlers := regexp.MustCompile(`<[a-z][^<>]*\s(on[a-z]+|style|id|class)=`)
	f.Fuzz(func(t *testing.T, text string) {
		w := &world{}
		v := window()
		w.publications = map[string]issue.Publication{"a": published("a.md", "")}
		w.incidents = append(w.incidents, alert.Incident{ID: "a", Group: "shop", Windows: []alert.Window{v}})
		w.texts = map[string]string{"a.md": text}
		_, page := get(t, w.handler(), "/incidents/a")
		_, got, _ := strings.Cut(page, "As it is in its file now.")
		got, _, _ = strings.Cut(got, "<footer>")
		if found := handlers.FindString(got); found != "" {
			t.Errorf("%q has an attribute that it may not have", found)
		}
		for _, not := range []string{"<script", "<img", "<iframe", "<style", "href=\"javascript", "</main>\n</main>", "<form"} {
			if strings.Contains(strings.ToLower(got), not) {
				t.Errorf("%q is in %q", not, got)
			}
		}
	})
}
