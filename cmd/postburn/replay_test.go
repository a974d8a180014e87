package main

import (
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/slo/prom/promtest"
)

// past is a server that holds six hours of a shop's traffic, 10 requests a second on each of two
// pods, scraped every 15 s from 2026-03-02 00:00 UTC on. All requests of one pod fail from 03:00 to
// 03:17, and 5 % of them to 03:41.
func past(t *testing.T) *promtest.Server {
	server := promtest.Start(t)
	const series = `
up{job="shop",instance="a"} 1x1440
up{job="shop",instance="b"} 1x1440
requests_total{job="shop",instance="a",code="200"} 1000+150x1440
requests_total{job="shop",instance="b",code="200"} 1000+150x720 109000x67 109000+142.5x96 122680+150x554
requests_total{job="shop",instance="b",code="500"} _x721 150+150x67 10207.5+7.5x95 10920x555
`
	if err := server.Load(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 15*time.Second, strings.TrimSpace(series)); err != nil {
		t.Fatal(err)
	}
	return server
}
