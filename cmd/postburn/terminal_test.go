package main

import (
	"bytes"
	"testing"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"checkout\tis fine\n":               "checkout\tis fine\n",
		"\x1b[31mred\x1b]0;title\a":         "�[31mred�]0;title�",
		"\u009b31m \r over":                 "�31m � over",
		"abc\u202ecba \u2066x\u2069 \u200f": "abc�cba �x� �",
		"\x9b31m \xff":                      "�31m �",
		"größe 変更 👩\u200d🚒 a\u00a0b":        "größe 変更 👩\u200d🚒 a\u00a0b",
		`{"slo":"a\u001b"}`:                 `{"slo":"a\u001b"}`,
	} {
		var whole, parts bytes.Buffer
		if n, err := printable(&whole).Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: wrote %d, %v", text, n, err)
		}
		inParts := printable(&parts)
		for i := range len(text) {
			if _, err := inParts.Write([]byte{text[i]}); err != nil {
				t.Error(err)
			}
		}
		if whole.String() != want || parts.String() != want {
			t.Errorf("%q is written as %q, and in parts as %q; want %q", text, whole.String(), parts.String(), want)
		}
	}
}
