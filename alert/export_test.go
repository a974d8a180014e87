package alert

import (
	"fmt"
	"hash/crc64"

	"github.com/postburn/postburn/slo"
)

// Firing reports whether the i-th rule is over its rate in both windows.
func (w *Watch) Firing(i int) bool { return w.fires(w.rules[i]) }

// Fingerprint is a text that two lanes share only if they are the same bit for bit.
func (l *Lane) Fingerprint() string {
	c := l.checkpoint(true)
	return fmt.Sprintf("%s %s %x", l.cursor, c.State, crc64.Checksum(c.History, crc64.MakeTable(crc64.ISO)))
}

// FillBlind gives all definitions that are new a past without data.
func (l *Lane) FillBlind() {
	for _, f := range l.fresh {
		l.fill(f, l.missing(f), slo.Reading{})
	}
	l.fresh = nil
}
