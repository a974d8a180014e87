package slo_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

func TestLabels(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  map[string]string
		want slo.Labels
	}{
		{"none", map[string]string{}, ""},
		{"sorted by name", map[string]string{"zone": "b", "pod": "a"}, `{pod="a",zone="b"}`},
		{"values with any character", map[string]string{"pod": `a",b="c}{`, "zone": "\n"}, `{pod="a\",b=\"c}{",zone="\n"}`},
		{"a name with a dot", map[string]string{"service.name": "shop", "zone": "b"}, `{"service.name"="shop",zone="b"}`},
		{"names with any character", map[string]string{`a="b",{`: "x", "0a": "z", "ü": "w"}, `{"0a"="z","a=\"b\",{"="x","ü"="w"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := slo.NewLabels(tc.set)
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if diff := cmp.Diff(tc.set, got.Map()); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			data, err := json.Marshal(got)
			var back slo.Labels
			if err != nil || json.Unmarshal(data, &back) != nil || back != got {
				t.Errorf("%s became %s in JSON, and %s when read", got, data, back)
			}
		})
	}
}

func TestLabelsOfBrokenText(t *testing.T) {
	for _, text := range []slo.Labels{`{"a`, `{"a"}`, `{"a"b="c"}`, `{a}`, `{a=b}`} {
		if got := text.Map(); len(got) > 0 {
			t.Errorf("%s was read as %v", text, got)
		}
	}
}
