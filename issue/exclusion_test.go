package issue

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReasonIn(t *testing.T) {
	for text, want := range map[string]string{
		"postburn: a load test":                    "a load test",
		"Hello.\r\n  Postburn:\tno space  \r\nBye": "no space",
		"postburn:not ours":                        "not ours",
		"postburn:exclude":                         "",
		"postburn:exclude\npostburn: planned":      "planned",
		"see postburn: no line of its own":         "",
		"postburn:":                                "",
		"postburn:   ":                             "",
		"postburn: a\u202eb\x00c\u2028d":           "a b c d",
		"postburn: " + strings.Repeat("ä", 400):    strings.Repeat("ä", 300) + "…",
	} {
		if got := ReasonIn(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestExcludeAndReadmit(t *testing.T) {
	var p Publication
	first, later := time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC()
	for i, step := range []struct {
		do   func() bool
		news bool
		want *Exclusion
	}{
		{func() bool { return p.Readmit() }, false, nil},
		{func() bool { return p.Exclude(Exclusion{By: "alice"}, first) }, true, &Exclusion{By: "alice", At: first}},
		{func() bool { return p.Exclude(Exclusion{By: "alice"}, later) }, false, &Exclusion{By: "alice", At: first}},
		{func() bool { return p.Exclude(Exclusion{By: "alice", Reason: "planned"}, later) }, true, &Exclusion{"alice", first, "planned"}},
		{func() bool { return p.Exclude(Exclusion{By: "bob", At: later}, later) }, true, &Exclusion{By: "bob", At: later}},
		{func() bool { return p.Readmit() }, true, nil},
	} {
		if news := step.do(); news != step.news {
			t.Errorf("step %d is news: %v", i, news)
		}
		if diff := cmp.Diff(step.want, p.Excluded); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
		if diff := cmp.Diff(p.Excluded, p.Summary().Excluded); diff != "" {
			t.Errorf("summary of step %d (-want +got):\n%s", i, diff)
		}
	}
	if got := (Exclusion{}).Why(); got != NoReason {
		t.Errorf("without a reason: %q", got)
	}
}
