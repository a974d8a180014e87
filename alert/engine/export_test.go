package engine

import (
	"context"
	"fmt"
	"hash/crc64"

	"github.com/postburn/postburn/slo"
)

// Fingerprint is a text that two lanes share only if they are the same bit for bit.
func (l *Lane) Fingerprint() string {
	c := l.checkpoint(true)
	return fmt.Sprintf("%s %s %x", l.cursor, c.State, crc64.Checksum(c.History, crc64.MakeTable(crc64.ISO)))
}

// FillFrom gives all definitions that are new the past that a source has.
func (l *Lane) FillFrom(source Source) error { return l.fillAll(context.Background(), source) }

// FillBlind gives all definitions that are new a past without data.
func (l *Lane) FillBlind() {
	_ = l.FillFrom(func(_ context.Context, objectives []slo.Objective, _ slo.Ticks) []slo.Reading {
		return make([]slo.Reading, len(objectives)) // has no error to return
	})
}

// Missed is what a tick that is read again has more than it had.
var Missed = missed
