package openslo

import (
	"strings"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
	"github.com/postburn/postburn/slo"
)

// sliceOf says of which slices a condition was meant; empty if of none.
func sliceOf(o objective) string {
	if n := o.goal.Get("timeSliceWindow"); o.isSliced() && n.Exists() {
		return "; a slice of " + n.Text("a duration like 5m") + " was meant"
	}
	return ""
}

// timeSlices sets the condition that a slice of time is good, looked at once a tick: that enough
// events of the last slice are good. A slice without events is good.
func timeSlices(s *config.SLO, o objective, part, total *foreign.Query, n config.Node, bad bool) bool {
	share := o.goal.Need("timeSliceTarget", "say how much of a slice has to be good, like 0.95")
	window := o.goal.Need("timeSliceWindow", "say how long a slice is, like 5m")
	length, _, ok := duration(window)
	limit, err := slo.ParseDecimal(strings.TrimSpace(share.Text("a ratio like 0.95")))
	if share.Exists() && (err != nil || limit.Cmp(slo.MustDecimal("1")) > 0) {
		share.Errorf("timeSliceTarget must be a ratio like 0.95")
		return false
	}
	if !ok || !share.Exists() || part == nil || total == nil {
		return false
	}
	of, by, ok := part.Increase(length)
	all, _, alsoOK := total.Increase(length)
	if !ok || !alsoOK {
		return false
	}
	n.Warnf("the slice of %s is looked at once a tick", window.Text("a duration like 5m"))
	operator := ">="
	if bad {
		operator, limit = "<=", limit.Complement()
	}
	if len(by) == 0 {
		of = "(" + of + " or vector(0))" // no series is no event; with labels, nobody knows of which
	} else {
		s.Set("group_by", by, n)
	}
	s.Set("indicator.bool", of+" "+operator+" "+limit.String()+" * "+all, n)
	return true
}
