package issue_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// TestStorms checks which incidents make a storm, whatever the publisher did about them.
func TestStorms(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	found := func(group string, kind alert.Kind, minutes float64) alert.Incident {
		at := noon.Add(time.Duration(minutes * float64(time.Minute)))
		return alert.Incident{
			ID: fmt.Sprintf("%s-%s-%g", group, kind, minutes), Group: group, Repository: "acme/shop",
			Windows: []alert.Window{{Kind: kind, Onset: at.Add(-time.Minute), Detected: at}},
		}
	}
	burns := func(minutes ...float64) (all []alert.Incident) {
		for n, m := range minutes {
			all = append(all, found(fmt.Sprintf("g%d", n), alert.Burn, m))
		}
		return all
	}
	elsewhere := func(all []alert.Incident, first int) []alert.Incident {
		for n := range all[first:] {
			all[first+n].Repository = "acme/other"
		}
		return all
	}
	var server []alert.Incident // killed: 3 objectives burn, lack data, spent budgets
	for n := range 3 {
		group := fmt.Sprintf("g%d", n)
		server = append(server, found(group, alert.Burn, 0), found(group+" blind", alert.Blindness, 1), found(group+" budget", alert.Budget, 2))
	}
	ofKind := func(kind alert.Kind, minutes ...float64) (all []alert.Incident) {
		for n, m := range minutes {
			all = append(all, found(fmt.Sprintf("h%d", n), kind, m))
		}
		return all
	}
	joinedLater := found("g5", alert.Blindness, 0)
	joinedLater.Windows = append(joinedLater.Windows, found("g5", alert.Burn, 1).Windows...)
	for name, tc := range map[string]struct {
		incidents []alert.Incident
		want      [][2]int // the sizes of the storms, and the minute at which each begins
	}{
		"none":                               {nil, nil},
		"five at once":                       {burns(0, 0, 0, 0, 0), nil},
		"six at once":                        {burns(0, 0, 0, 0, 0, 0), [][2]int{{6, 0}}},
		"six within ten minutes":             {burns(0, 2, 4, 6, 8, 10), [][2]int{{6, 0}}},
		"six within eleven minutes":          {burns(0, 2, 4, 6, 8, 11), nil},
		"a few before and after":             {burns(0, 3, 14, 15, 15, 15, 15, 15, 20, 31), [][2]int{{7, 14}}},
		"it goes on while others join":       {burns(0, 2, 4, 6, 8, 10, 20, 30, 41), [][2]int{{8, 0}}},
		"a group that comes back":            {append(burns(0, 0, 0, 0, 0, 0), found("g1", alert.Burn, 8), found("g1", alert.Burn, 16), found("g9", alert.Burn, 17)), [][2]int{{7, 0}}},
		"two, one after the other":           {burns(0, 0, 0, 0, 0, 0, 11, 11, 11, 11, 11, 11), [][2]int{{6, 0}, {6, 11}}},
		"the same group again and again":     {append(burns(0, 0, 0, 0, 0), found("g1", alert.Burn, 3), found("g2", alert.Burn, 4)), nil},
		"a group's second incident is in it": {append(burns(0, 0, 0, 0, 0, 0), found("g1", alert.Burn, 3)), [][2]int{{7, 0}}},
		"one server was killed":              {server, nil},
		"no data and spent budgets aside":    {append(server, burns(3, 4, 5, 6, 7, 8)...), [][2]int{{9, 0}}},
		"six without data":                   {ofKind(alert.Blindness, 0, 0, 1, 2, 2, 3), [][2]int{{6, 0}}},
		"six with little traffic":            {ofKind(alert.Quietness, 0, 0, 1, 2, 2, 3), [][2]int{{6, 0}}},
		"six spent budgets":                  {ofKind(alert.Budget, 0, 0, 1, 2, 2, 3), nil},
		"three of each kind":                 {append(burns(0, 0, 0), append(ofKind(alert.Blindness, 0, 0, 0), ofKind(alert.Quietness, 0, 0, 0)...)...), nil},
		"burns beside no data":               {append(burns(2, 2, 2, 2, 2, 2, 2), ofKind(alert.Blindness, 0, 0, 0, 0, 0, 0)...), [][2]int{{6, 0}, {7, 2}}},
		"one burns while many have no data":  {append(burns(2), ofKind(alert.Blindness, 0, 0, 0, 0, 0, 0)...), [][2]int{{6, 0}}},
		"one had no data, and burned later":  {append(burns(0, 0, 0, 0, 0), joinedLater), nil},
		"of two repositories":                {elsewhere(burns(0, 0, 0, 0, 0, 0), 3), nil},
		"one in each of two repositories":    {elsewhere(burns(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1), 6), [][2]int{{6, 0}, {6, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 { // in any order
				rand.Shuffle(len(tc.incidents), func(i, j int) {
					tc.incidents[i], tc.incidents[j] = tc.incidents[j], tc.incidents[i]
				})
				var got [][2]int
				for _, storm := range issue.Storms(tc.incidents) {
					got = append(got, [2]int{len(storm), int(storm[0].Detected().Sub(noon).Minutes())})
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}
