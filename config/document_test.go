package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

func TestInside(t *testing.T) {
	tests := []struct {
		name, doc string // the value of v; what is looked for is the letter X in it
		want      string
	}{
		{"plain", "v: sum(X)", "1:8"},
		{"plain, after wide characters", "{é: 日本, v: aüX}", "1:14"},
		{"single quotes", "v: 'a''b''X'", "1:11"},
		{"double quotes", `v: "a\"b\u00e9\x41X"`, "1:19"},
		{"double quotes in a flow mapping", `w: {v: "{job=\"X\"}"}`, "1:16"},
		{"plain over two lines", "v: a\n  X", "1:4"},
		{"quoted over two lines", "v: 'a\n  X'", "1:4"},
		{"a block", "v: |\n  a\n  X", "1:4"},
		{"an anchor", "v: &a X", "1:4"},
		{"a tag", "v: !!str X", "1:4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDocument([]byte(test.doc), "f")
			n := valueOf(d.parse([]byte(test.doc))[0], "v")
			got := d.inside(n, strings.Index(n.Value, "X"))
			if got := fmt.Sprintf("%d:%d", got.Line, got.Column); got != test.want {
				t.Errorf("%q: got %s, want %s", n.Value, got, test.want)
			}
		})
	}
	t.Run("at the end", func(t *testing.T) {
		for _, doc := range []string{"v: abc", `v: "abc"`} {
			d := newDocument([]byte(doc), "f")
			if got, want := d.inside(valueOf(d.parse([]byte(doc))[0], "v"), 3).Column, strings.Index(doc, "c")+2; got != want {
				t.Errorf("%s: got column %d, want %d", doc, got, want)
			}
		}
	})
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
		if v := valueOf(n.Content[i+1], key); v != nil {
			return v
		}
	}
	return nil
}

// TestHostileFiles reads what is made to take for ever or all of the stack.
func TestHostileFiles(t *testing.T) {
	bomb := "b0: &b0 {name: x}\n"
	for i := 1; i < 40; i++ {
		bomb += fmt.Sprintf("b%d: &b%d {<<: [*b%d, *b%d]}\n", i, i, i-1, i-1)
	}
	rules := strings.Repeat("{rate: 2, long: 1h, short: 5m}, ", 2000)
	tests := []struct{ name, doc string }{
		{"merges that double", bomb + "slos: [*b39]\n"},
		{"one large slo many times", "slos:\n- &a {name: a, incident: {burn: [" + rules + "]}}\n" + strings.Repeat("- *a\n", 100_000)},
		{"a large default", "defaults: {incident: {burn: [" + rules + "]}}\nslos:\n" + strings.Repeat("- {name: a}\n", 50_000)},
		{"deep lists", strings.Repeat("[", 200_000)},
		{"deep mappings", strings.Repeat("{a: ", 200_000)},
		{"deep merges", "slos: [" + strings.Repeat("{<<: ", 9_000) + "{}" + strings.Repeat("}", 9_000) + "]"},
		{"a list in itself", "slos: &a [*a]\n"},
		{"a long key", "slos: [{" + strings.Repeat("x", 1_000_000) + ": 1}]\n"},
		{"a deep query", `slos: [{indicator: {ratio: {bad: "` + strings.Repeat("(", 9_000) + `", total: x_total}}}]`},
		{"a long number", "slos: [{target: " + strings.Repeat("9", 1_000_000) + "}]\n"},
		{"many unknown keys", "slos: [{" + manyKeys(20_000) + "}]\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			_, problems := Native([]byte(test.doc), "slo.yaml")
			if len(problems) == 0 {
				t.Error("no problems")
			}
			for _, p := range problems {
				if len(p.Text) > 400 {
					t.Fatalf("a problem of %d bytes: %.100s", len(p.Text), p.Text)
				}
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d: 1", i)
	}
	return strings.Join(keys, ", ")
}

func TestNearest(t *testing.T) {
	words := []string{"name", "service", "target", "indicator", "incident", "slos"}
	tests := []struct{ misspelt, want string }{
		{"indicater", "indicator"},
		{"incidents", "incident"},
		{"tagret", "target"},
		{"Service", "service"},
		{"slo", "slos"},
		{"objective", ""},
		{"x", ""},
		{"", ""},
		{strings.Repeat("name", 100), ""},
	}
	for _, test := range tests {
		if got := nearest(test.misspelt, words); got != test.want {
			t.Errorf("nearest(%q) = %q, want %q", test.misspelt, got, test.want)
		}
	}
}
