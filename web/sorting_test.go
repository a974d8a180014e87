package web_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// ofThree are three objectives, with incidents of the last days.
func ofThree() *world {
	at := time.Now()
	one, two, three := status("shop", "one", alert.OK, 0.5), status("cart", "two", alert.Burning, 0.9), status("search", "three", alert.Blind, -1)
	one.Objective.Target, two.Window.Bad = slo.MustDecimal("99%"), 9000
	w := &world{statuses: []alert.Status{one, two, three}}
	services := map[string]string{"one": "shop", "two": "cart"}
	add := func(id, name string, kind alert.Kind, ago, length time.Duration) {
		v := window()
		v.Objective.Name, v.Kind, v.Onset, v.Detected, v.Ended, v.Labels = name, kind, at.Add(-ago), at.Add(-ago), at.Add(length-ago), ""
		if length == 0 {
			v.Ended = time.Time{}
		}
		w.incidents = append(w.incidents, alert.Incident{ID: id, Group: services[name], Windows: []alert.Window{v}})
	}
	const day = 24 * time.Hour
	add("a", "one", alert.Burn, 10*day, 2*day+time.Hour)
	add("b", "one", alert.Budget, 9*day, 4*day)
	add("c", "two", alert.Burn, time.Hour, 0)
	add("d", "two", alert.Burn, 45*day, time.Hour)
	add("e", "two", alert.Blindness, 31*day, 3*day)
	add("f", "one", alert.Quietness, 20*day, time.Minute)
	return w
}

func TestSorting(t *testing.T) {
	names := regexp.MustCompile(`<a href="./slos/([a-z]+)"><bdi>`)
	for by, want := range map[string]string{
		"name": "one three two", "-name": "two three one", "state": "two three one", "-state": "one three two", "target": "one three two", "-target": "three two one",
		"budget": "three one two", "-bad": "two one three", "-incidents": "one two three", "incidents": "three two one", "none": "two three one",
	} {
		t.Run(by, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, page := get(t, ofThree().handler(), "/?sort="+by)
				var got []string
				for _, found := range names.FindAllStringSubmatch(page, -1) {
					got = append(got, found[1])
				}
				if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
					t.Errorf("order (-want +got):\n%s", diff)
				}
				key := strings.TrimPrefix(by, "-")
				if order := map[bool]string{true: "descending", false: "ascending"}[key != by]; (by != "none") != strings.Contains(page, `aria-sort="`+order+`"`) {
					t.Errorf("aria-sort is not %s", order)
				}
				if other := map[bool]string{true: key, false: "-" + key}[key != by]; by != "none" && !strings.Contains(page, `aria-sort="`+map[bool]string{true: "descending", false: "ascending"}[key != by]+`"><a href="./?sort=`+other+`"`) {
					t.Errorf("its column does not turn the order round")
				}
				balanced(t, page)
			})
		})
	}
}

func TestStrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ofThree()
		h := w.handler()
		strips := regexp.MustCompile(`(?s)<svg class="strip".*?</svg>`)
		_, page := get(t, h, "/?sort=name")
		want := []string{
			`<svg class="strip" viewBox="0 0 30 6" preserveAspectRatio="none" role="img" aria-label="3 incidents in the last 30 days; the newest breach began 1999-12-23 00:00 UTC">` +
				`<rect class="all" width="30" height="6"/><rect class="quiet" x="9" y="0" width="1" height="6"/><rect class="burn" x="19" y="0" width="3" height="6"/><rect class="budget" x="22" y="4" width="2" height="2"/></svg>`,
			`<svg class="strip" viewBox="0 0 30 6" preserveAspectRatio="none" role="img" aria-label="2 incidents in the last 30 days; the newest breach began 1999-12-31 23:00 UTC">` +
				`<rect class="all" width="30" height="6"/><rect class="blind" x="0" y="0" width="1" height="6"/><rect class="burn" x="28" y="0" width="1" height="6"/></svg>`,
		}
		if diff := cmp.Diff(want, strips.FindAllString(page, -1)); diff != "" {
			t.Errorf("strips (-want +got):\n%s", diff)
		}
		if !strings.Contains(text(page), "no incident") {
			t.Error("the third has no incident, and nothing says so")
		}
		// An incident that ends is in the strip all the time.
		time.Sleep(6 * time.Second)
		w.incidents[2].Windows[0].Ended = time.Now()
		for range 20 {
			time.Sleep(2 * time.Second)
			if _, page := get(t, h, "/?sort=name"); !strings.Contains(page, "2 incidents in the last 30 days; the newest breach began 1999-12-31 23:00 UTC") {
				t.Fatalf("the incident that ended is missing: %s", text(page))
			}
			if _, page := get(t, h, "/slos/two"); !strings.Contains(page, `<a href="../incidents/c">`) {
				t.Fatalf("the incident that ended is missing: %s", text(page))
			}
		}
	})
}
