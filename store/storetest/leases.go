package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/store/lease"
)

// Clocked is a lease.Table whose clock a test moves on.
type Clocked struct {
	lease.Table
	Advance func(time.Duration)
}

const leaseTTL = 10 * time.Second

// RunLeases tests a lease.Table. Each call of open returns one that nobody has used, with the
// leases "00", "01" and "02".
func RunLeases(t *testing.T, open func(t *testing.T) Clocked) {
	for name, run := range map[string]func(*testing.T, Clocked){
		"taken once": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "a"}, "a", "00 0", "01 0", "02 0")
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00", "02"}}, "a", "00 1 a", "01 0", "02 1 a")
			renew(t, c, lease.Request{Replica: "b", Take: []string{"00", "01"}}, "a b", "00 1 a", "01 1 b", "02 1 a")
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00", "01"}}, "a b", "00 1 a", "01 1 b", "02 1 a")
		},
		"released": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00", "01"}}, "a", "00 1 a", "01 1 a", "02 0")
			renew(t, c, lease.Request{Replica: "b", Release: []lease.Lease{{Name: "00", Fence: 1}}}, "a b", "00 1 a", "01 1 a", "02 0")
			renew(t, c, lease.Request{Replica: "a", Release: []lease.Lease{{Name: "00", Fence: 1}, {Name: "01", Fence: 7}}}, "a b", "00 1", "01 1 a", "02 0")
			renew(t, c, lease.Request{Replica: "b", Take: []string{"00"}}, "a b", "00 2 b", "01 1 a", "02 0")
		},
		"released and taken at once": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00"}}, "a", "00 1 a", "01 0", "02 0")
			renew(t, c, lease.Request{Replica: "a", Release: []lease.Lease{{Name: "00", Fence: 1}}, Take: []string{"00"}}, "a", "00 2 a", "01 0", "02 0")
		},
		"expired": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00"}}, "a", "00 1 a", "01 0", "02 0")
			c.Advance(leaseTTL - time.Second)
			renew(t, c, lease.Request{Replica: "b", Take: []string{"00"}}, "a b", "00 1 a", "01 0", "02 0")
			c.Advance(time.Second)
			renew(t, c, lease.Request{Replica: "b"}, "b", "00 1", "01 0", "02 0")
			renew(t, c, lease.Request{Replica: "b", Take: []string{"00"}}, "b", "00 2 b", "01 0", "02 0")
			renew(t, c, lease.Request{Replica: "a", Release: []lease.Lease{{Name: "00", Fence: 1}}}, "a b", "00 2 b", "01 0", "02 0")
		},
		"expired, and nobody took it": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00"}}, "a", "00 1 a", "01 0", "02 0")
			c.Advance(3 * leaseTTL)
			renew(t, c, lease.Request{Replica: "b"}, "b", "00 1", "01 0", "02 0")
			renew(t, c, lease.Request{Replica: "a"}, "a b", "00 1 a", "01 0", "02 0")
		},
		"renewed": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00"}}, "a", "00 1 a", "01 0", "02 0")
			for range 5 {
				c.Advance(leaseTTL / 2)
				renew(t, c, lease.Request{Replica: "a"}, "a", "00 1 a", "01 0", "02 0")
			}
			renew(t, c, lease.Request{Replica: "b", Take: []string{"00"}}, "a b", "00 1 a", "01 0", "02 0")
		},
		"left": func(t *testing.T, c Clocked) {
			renew(t, c, lease.Request{Replica: "b"}, "b", "00 0", "01 0", "02 0")
			renew(t, c, lease.Request{Replica: "a", Take: []string{"00", "01"}}, "a b", "00 1 a", "01 1 a", "02 0")
			renew(t, c, lease.Request{Replica: "a", Leave: true}, "b", "00 1", "01 1", "02 0")
			renew(t, c, lease.Request{Replica: "b", Take: []string{"01"}}, "b", "00 1", "01 2 b", "02 0")
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

// renew checks who lives after a request, and how leases stand, as in "00 1 a".
func renew(t *testing.T, c Clocked, r lease.Request, alive string, leases ...string) {
	t.Helper()
	r.TTL = leaseTTL
	s, err := c.Renew(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range s.Leases {
		text := fmt.Sprintf("%s %d", h.Name, h.Fence)
		if h.Holder != "" {
			text += " " + h.Holder
		}
		got = append(got, text)
	}
	if living := strings.Join(s.Replicas, " "); living != alive || !slices.Equal(got, leases) {
		t.Errorf("after %+v: replicas %q, leases %q; want %q, %q", r, living, got, alive, leases)
	}
}
