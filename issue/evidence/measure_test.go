package evidence

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// of is a leaf; labels are names and values.
func of(bad, total, badBefore, totalBefore float64, labels ...string) leaf {
	set := map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		set[labels[i]] = labels[i+1]
	}
	return leaf{key: slo.NewLabels(set), labels: set, in: slo.Counts{Total: total, Bad: bad}, before: slo.Counts{Total: totalBefore, Bad: badBefore}}
}

func TestStandsOut(t *testing.T) {
	for _, test := range []struct {
		name   string
		leaves []leaf
		want   []issue.Clause
	}{
		{"one of three", []leaf{of(0, 1000, 0, 1000, "r", "a"), of(300, 1000, 0, 1000, "r", "b"), of(1, 1000, 0, 1000, "r", "c")},
			[]issue.Clause{{Label: "r", Values: []string{"b"}, Of: 3}}},
		{"all alike", []leaf{of(290, 1000, 0, 1000, "r", "a"), of(300, 1000, 0, 1000, "r", "b"), of(310, 1000, 0, 1000, "r", "c")}, nil},
		{"as bad as ever", []leaf{of(0, 1000, 0, 1000, "r", "a"), of(300, 1000, 310, 1000, "r", "b")}, nil},
		{"mostly as bad as ever", []leaf{of(500, 1000, 500, 1000, "r", "a"), of(100, 1000, 0, 1000, "r", "b")}, nil},
		{"nearly all traffic", []leaf{of(0, 300, 0, 300, "r", "a"), of(3000, 9700, 0, 9700, "r", "b")}, nil},
		{"few events beside it", []leaf{of(0, 12, 0, 12, "r", "a"), of(30, 60, 0, 60, "r", "b")}, nil},
		{"few bad events", []leaf{of(0, 9000, 0, 9000, "r", "a"), of(15, 1000, 0, 1000, "r", "b")}, nil},
		{"not that much worse", []leaf{of(100, 5500, 0, 5500, "r", "a"), of(350, 4500, 0, 4500, "r", "b")}, nil},
		{"a third of the bad events elsewhere", []leaf{of(100, 9000, 0, 9000, "r", "a"), of(200, 1000, 0, 1000, "r", "b")}, nil},
		{"a series without the label", []leaf{of(0, 1000, 0, 1000, "r", "a"), of(300, 1000, 0, 1000)}, nil},
		{"two values of five", []leaf{of(0, 100, 0, 100, "p", "a"), of(50, 100, 0, 100, "p", "b"), of(0, 100, 0, 100, "p", "c"), of(0, 100, 0, 100, "p", "d"), of(60, 100, 0, 100, "p", "e")},
			[]issue.Clause{{Label: "p", Values: []string{"b", "e"}, Of: 5}}},
		{"the same by another name", []leaf{of(0, 1000, 0, 1000, "p", "a", "q", "x"), of(300, 1000, 0, 1000, "p", "b", "q", "y"), of(1, 1000, 0, 1000, "p", "c", "q", "x")},
			[]issue.Clause{{Label: "q", Values: []string{"y"}, Of: 2, Also: []issue.Label{{Name: "p", Value: "b"}}}}},
		{"one value of one label in one of another", []leaf{
			of(1, 1000, 0, 1000, "p", "a", "r", "x"), of(0, 1000, 0, 1000, "p", "a", "r", "y"), of(900, 1000, 0, 1000, "p", "b", "r", "x"), of(0, 1000, 0, 1000, "p", "b", "r", "y"),
			of(0, 1000, 0, 1000, "p", "c", "r", "x"), of(0, 1000, 0, 1000, "p", "c", "r", "y"),
		}, []issue.Clause{{Label: "p", Values: []string{"b"}, Of: 3}, {Label: "r", Values: []string{"x"}, Of: 2}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []issue.Clause
			for _, p := range standsOut(test.leaves, []string{"p", "q", "r"}) {
				got = p.where
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestChanceDoesNotStandOut has events fail alike, whatever their labels: few or many events, of
// few or many values.
func TestChanceDoesNotStandOut(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range 2000 {
		values := 2 + random.IntN(60)
		events := []int{1, 3, 10, 100}[random.IntN(4)]
		ratio := []float64{0.01, 0.1, 0.5, 0.95}[random.IntN(4)]
		var leaves []leaf
		for n := range values {
			total, bad := 1+random.IntN(2*events), 0.0
			for range total {
				if random.Float64() < ratio {
					bad++
				}
			}
			leaves = append(leaves, of(bad, float64(total), 0, float64(total), "user", fmt.Sprint(n), "shard", fmt.Sprint(n%3)))
		}
		if found := standsOut(leaves, []string{"shard", "user"}); len(found) > 0 {
			t.Errorf("seed %d, round %d: %d values of about %d events, of which %v fail: %+v", seed, round, values, events, ratio, found)
		}
	}
}
