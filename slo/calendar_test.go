package slo

import (
	"fmt"
	"testing"
	"time"
)

func TestPeriodsAt(t *testing.T) {
	const layout = "2006-01-02 15:04:05 -0700"
	for name, c := range map[string]struct {
		window          Window
		at, start, end  string
		hours           float64
		startsAtTheTurn bool
	}{
		"a week with its clock put forward":      {window: Window{Calendar: "week", Timezone: "Europe/Berlin"}, at: "2026-03-25 12:00:00 +0100", start: "2026-03-23 00:00:00 +0100", end: "2026-03-30 00:00:00 +0200", hours: 167},
		"a week with its clock put back":         {window: Window{Calendar: "week", Timezone: "Europe/Berlin"}, at: "2026-10-25 23:00:00 +0100", start: "2026-10-19 00:00:00 +0200", end: "2026-10-26 00:00:00 +0100", hours: 169},
		"a week in New York":                     {window: Window{Calendar: "week", Timezone: "America/New_York"}, at: "2026-11-01 12:00:00 -0500", start: "2026-10-26 00:00:00 -0400", end: "2026-11-02 00:00:00 -0500", hours: 169},
		"half an hour put back at Lord Howe":     {window: Window{Calendar: "week", Timezone: "Australia/Lord_Howe"}, at: "2026-04-05 12:00:00 +1030", start: "2026-03-30 00:00:00 +1100", end: "2026-04-06 00:00:00 +1030", hours: 168.5},
		"half an hour put forward at Lord Howe":  {window: Window{Calendar: "month", Timezone: "Australia/Lord_Howe"}, at: "2026-10-05 12:00:00 +1100", start: "2026-10-01 00:00:00 +1030", end: "2026-11-01 00:00:00 +1100", hours: 743.5},
		"Kathmandu":                              {window: Window{Calendar: "month", Timezone: "Asia/Kathmandu"}, at: "2026-06-01 00:00:30 +0545", start: "2026-06-01 00:00:00 +0545", end: "2026-07-01 00:00:00 +0545", hours: 720},
		"February":                               {window: Window{Calendar: "month"}, at: "2026-02-10 00:00:00 +0000", start: "2026-02-01 00:00:00 +0000", end: "2026-03-01 00:00:00 +0000", hours: 672},
		"February of a leap year":                {window: Window{Calendar: "month"}, at: "2028-02-29 23:59:59 +0000", start: "2028-02-01 00:00:00 +0000", end: "2028-03-01 00:00:00 +0000", hours: 696},
		"a turn belongs to the month that ends":  {window: Window{Calendar: "month"}, at: "2026-03-01 00:00:00 +0000", start: "2026-02-01 00:00:00 +0000", end: "2026-03-01 00:00:00 +0000", hours: 672},
		"the turn of the year in another zone":   {window: Window{Calendar: "month", Timezone: "Asia/Tokyo"}, at: "2026-12-31 15:00:30 +0000", start: "2027-01-01 00:00:00 +0900", end: "2027-02-01 00:00:00 +0900", hours: 744},
		"the last quarter":                       {window: Window{Calendar: "quarter"}, at: "2026-12-31 12:00:00 +0000", start: "2026-10-01 00:00:00 +0000", end: "2027-01-01 00:00:00 +0000", hours: 2208},
		"a quarter with its clock put forward":   {window: Window{Calendar: "quarter", Timezone: "Europe/Berlin"}, at: "2026-02-01 00:00:00 +0100", start: "2026-01-01 00:00:00 +0100", end: "2026-04-01 00:00:00 +0200", hours: 2159},
		"the first week of a year":               {window: Window{Calendar: "week"}, at: "2027-01-01 00:00:00 +0000", start: "2026-12-28 00:00:00 +0000", end: "2027-01-04 00:00:00 +0000", hours: 168},
		"before 1970":                            {window: Window{Calendar: "week"}, at: "1969-12-31 00:00:00 +0000", start: "1969-12-29 00:00:00 +0000", end: "1970-01-05 00:00:00 +0000", hours: 168},
		"no midnight in Beirut":                  {window: Window{Calendar: "week", Timezone: "Asia/Beirut"}, at: "2026-03-29 12:00:00 +0300", start: "2026-03-23 00:00:00 +0200", end: "2026-03-30 00:00:00 +0300", hours: 167},
		"a month that begins without a midnight": {window: Window{Calendar: "month", Timezone: "America/Asuncion"}, at: "2017-10-20 12:00:00 -0300", start: "2017-10-01 01:00:00 -0300", end: "2017-11-01 00:00:00 -0300", hours: 743},
		"a month that begins with two midnights": {window: Window{Calendar: "month", Timezone: "America/Havana"}, at: "2026-11-20 12:00:00 -0500", start: "2026-11-01 00:00:00 -0400", end: "2026-12-01 00:00:00 -0500", hours: 721},
		"rolling":                                {window: Window{Rolling: time.Hour}, at: "2026-11-20 12:00:00 +0000", start: "2026-11-20 11:00:00 +0000", end: "2026-11-20 12:00:00 +0000", hours: 1},
	} {
		t.Run(name, func(t *testing.T) {
			periods, err := c.window.Periods()
			if err != nil {
				t.Fatal(err)
			}
			at, _ := time.Parse(layout, c.at)
			start, _ := time.Parse(layout, c.start)
			end, _ := time.Parse(layout, c.end)
			got := periods.At(at)
			if !got.Start.Equal(start) || !got.End.Equal(end) || got.End.Sub(got.Start).Hours() != c.hours {
				t.Errorf("at %s the window is %s to %s, %v, want %s to %s, %vh", c.at, got.Start, got.End, got.End.Sub(got.Start), start.UTC(), end.UTC(), c.hours)
			}
			if c.window.Longest() < got.End.Sub(got.Start) {
				t.Errorf("it is said to be at most %s long", c.window.Longest())
			}
		})
	}
}

// TestPeriodsFollowEachOther walks over years of half hours: each is in its period, and every
// period begins when the last ended.
func TestPeriodsFollowEachOther(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/Havana", "America/Asuncion", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		for _, unit := range []string{"week", "month", "quarter"} {
			t.Run(fmt.Sprint(zone, " ", unit), func(t *testing.T) {
				periods, err := Window{Calendar: unit, Timezone: zone}.Periods()
				if err != nil {
					t.Fatal(err)
				}
				last, turns := Span{}, 0
				for at := time.Date(2009, 6, 1, 0, 15, 0, 0, time.UTC); at.Year() < 2011; at = at.Add(30 * time.Minute) {
					s := periods.At(at)
					if !s.Start.Before(at) || at.After(s.End) {
						t.Fatalf("%s is said to be in %v", at, s)
					}
					if s == last {
						continue
					}
					if turns++; turns > 1 && !s.Start.Equal(last.End) {
						t.Fatalf("%v follows %v", s, last)
					}
					last = s
				}
				if turns < 6 {
					t.Errorf("%d periods", turns)
				}
			})
		}
	}
}

func TestPeriodsOfNowhere(t *testing.T) {
	for _, w := range []Window{{Calendar: "month", Timezone: "Europe/Atlantis"}, {Calendar: "fortnight"}} {
		if _, err := w.Periods(); err == nil {
			t.Errorf("%+v has periods", w)
		}
	}
}

func TestWindowString(t *testing.T) {
	for want, w := range map[string]Window{
		"30d":                           {Rolling: 30 * day},
		"7d":                            {Rolling: 7 * day},
		"1d12h":                         {Rolling: 36 * time.Hour},
		"calendar month":                {Calendar: "month"},
		"calendar week (Europe/Berlin)": {Calendar: "week", Timezone: "Europe/Berlin"},
	} {
		if got := w.String(); got != want {
			t.Errorf("%+v is written %q, want %q", [3]any{w.Rolling, w.Calendar, w.Timezone}, got, want)
		}
	}
}
