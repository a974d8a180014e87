package main

import (
	"context"
	"time"
)

// act is how the shop fares from a time on: 9 of 10 checkouts fail, for example.
type act struct {
	at   time.Duration // since the shop opened
	fail float64       // share of checkouts that fail
	text string        // what the shop does
}

// schedule is an outage, a time of getting better, and a good end.
func schedule() []act {
	return []act{
		{0, 0, "opens: 50 checkouts a second, all of them succeed"},
		{6 * time.Second, 0.9, "breaks: 9 of 10 checkouts fail"},
		{18 * time.Second, 0.1, "is half repaired: 1 of 10 checkouts fails"},
		{26 * time.Second, 0, "is repaired: all checkouts succeed"},
	}
}

// play has the shop do what the acts say, when they say it.
func (s *stage) play(ctx context.Context, acts []act) error {
	opened := time.Now()
	for _, a := range acts {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(opened.Add(a.at))):
		}
		s.shop.Fail(a.fail)
		s.screen.say("shop", "%s", a.text)
	}
	return nil
}
