package slo

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// FormatDuration writes a length of time as SLO files do, to the millisecond: "1h30m", "30d"; "0s"
// for none.
func FormatDuration(d time.Duration) string {
	var text strings.Builder
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.length; n > 0 {
			text.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d -= n * unit.length
		}
	}
	return cmp.Or(text.String(), "0s")
}
