package config

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postburn/postburn/slo"
)

// FuzzSLOFile reads any text: it never panics, each problem is in the file, and what is wrong gives
// no usable definition without one.
func FuzzSLOFile(f *testing.F) {
	for _, seed := range []string{
		"", one, "defaults: {window: 7d}\n" + one, one + "---\n" + one, "slos: &a [*a]\n", "slos:\n- &a {<<: *a}\n",
		"slos: [{name: x, target: 999, indicator: {ratio: {bad: \"sum(\\\"\", total: 'a''b'}}}]",
		"slos: [{name: x, service: s, target: 99%, delay: 2m, indicator: {latency: {histogram: 'd{a=\"b\"}', threshold: 500ms, unit: seconds}}}]",
		"slos: [{name: x, service: s, target: 99%, indicator: {bool: 'max(a) < 1 and b'}}]",
		"slos: [{incident: {burn: [{rate: 1, long: 5m, short: 1h}], hold: 5x}}]", "\ufeffslos: [é: \x00]", "a: |\n  x\r\n  y\n", "? [a]\n: b\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		definitions, problems := Native(doc, "slo.yaml")
		lines := strings.Split(string(doc), "\n")
		for _, p := range problems {
			inside := p.File == "slo.yaml" && p.Line >= 1 && p.Line <= len(lines) &&
				p.Column >= 1 && p.Column <= utf8.RuneCountInString(lines[p.Line-1])+1
			if !inside || p.Text == "" || strings.ContainsAny(p.Text, "\n\r") {
				t.Errorf("%q is not a place in the file, or not a line of text", p)
			}
		}
		if Failed(problems) {
			return
		}
		if len(definitions) == 0 {
			t.Error("no definitions and no error")
		}
		for _, d := range definitions {
			o := d.Objective
			if o.Name == "" || o.Service == "" || o.Target.IsZero() || o.Window.Length() <= 0 || o.Indicator == (slo.Indicator{}) || d.Policy.Group == "" {
				t.Errorf("an incomplete definition and no error: %+v", d)
			}
		}
	})
}
