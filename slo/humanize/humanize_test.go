package humanize

import (
	"math"
	"testing"
	"time"
)

// cases are values of one kind and how they are written.
type cases[T any] []struct {
	value T
	want  string
}

func (all cases[T]) run(t *testing.T, write func(T) string) {
	t.Helper()
	for _, tc := range all {
		if got := write(tc.value); got != tc.want {
			t.Errorf("%v is written %q, want %q", tc.value, got, tc.want)
		}
	}
}

func TestNumber(t *testing.T) {
	cases[float64]{
		{0, "0"}, {-0.2, "0"}, {999, "999"}, {999.5, "1,000"}, {15_337, "15,337"}, {1_234_567.4, "1,234,567"},
		{-999, "-999"}, {-1_000, "-1,000"}, {-123_456, "-123,456"}, {1e21, "1,000,000,000,000,000,000,000"},
	}.run(t, Number)
}

func TestCount(t *testing.T) {
	cases[float64]{{0, "0"}, {0.3, "less than 1"}, {0.999, "less than 1"}, {1, "1"}, {1_499.6, "1,500"}}.run(t, Count)
}

func TestPlural(t *testing.T) {
	for _, tc := range []struct {
		n          int
		noun, want string
	}{
		{0, "tick", "0 ticks"}, {1, "tick", "1 tick"}, {2_000, "tick", "2,000 ticks"}, {1, "more entry", "1 more entry"},
		{2, "more entry", "2 more entries"}, {2, "day", "2 days"}, {3, "query", "3 queries"},
	} {
		if got := Plural(tc.n, tc.noun); got != tc.want {
			t.Errorf("%d of %q are written %q, want %q", tc.n, tc.noun, got, tc.want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, tc := range []struct {
		x      float64
		places int
		want   string
	}{{2.5, 3, "2.5"}, {3, 2, "3"}, {100, 0, "100"}, {0.126, 2, "0.13"}, {-0.001, 2, "0"}, {1_200, 1, "1200"}} {
		if got := Decimal(tc.x, tc.places); got != tc.want {
			t.Errorf("%v with %d decimals is written %q, want %q", tc.x, tc.places, got, tc.want)
		}
	}
}

func TestPercent(t *testing.T) {
	cases[float64]{
		{0, "0 %"}, {0.000_01, "<0.01 %"}, {0.000_1, "0.01 %"}, {0.001_2, "0.12 %"}, {0.009_94, "0.99 %"}, {0.009_96, "1 %"},
		{0.300_9, "30.1 %"}, {0.999_4, "99.9 %"}, {0.999_6, ">99.9 %"}, {0.999_999, ">99.9 %"}, {1, "100 %"}, {29.358_6, "2,936 %"},
		{-0.000_01, ">-0.01 %"}, {-0.5, "-50 %"}, {-29.358_6, "-2,936 %"}, {math.NaN(), "not known"},
	}.run(t, Percent)
}

func TestPrecisePercent(t *testing.T) {
	cases[float64]{
		{0, "0 %"}, {0.001_04, "0.104 %"}, {0.000_010_44, "0.00104 %"}, {0.010_1, "1.01 %"}, {0.5, "50 %"}, {1, "100 %"},
	}.run(t, PrecisePercent)
}

func TestShare(t *testing.T) {
	for _, tc := range []struct {
		part, whole float64
		want        string
	}{{3, 3, "All"}, {2_999_999, 3_000_000, ">99.9 %"}, {1, 2, "50 %"}, {0, 2, "0 %"}} {
		if got := Share(tc.part, tc.whole); got != tc.want {
			t.Errorf("%v of %v is written %q, want %q", tc.part, tc.whole, got, tc.want)
		}
	}
}

func TestTimes(t *testing.T) {
	cases[float64]{{0, "0×"}, {1, "1×"}, {1.044, "1.04×"}, {14.4, "14.4×"}, {9.996, "10×"}, {995.6, "996×"}, {1_000, "1,000×"}}.run(t, Times)
}

func TestList(t *testing.T) {
	for want, items := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := List(items); got != want {
			t.Errorf("%q is written %q, want %q", items, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, tc := range []struct {
		d                               time.Duration
		words, short, period, adjective string
	}{
		{0, "less than a millisecond", "0 s", "less than a millisecond", "less-than-a-millisecond"},
		{250 * time.Millisecond, "250 milliseconds", "250 ms", "250 milliseconds", "250-milliseconds"},
		{999 * time.Millisecond, "999 milliseconds", "999 ms", "999 milliseconds", "999-milliseconds"},
		{time.Second, "1 second", "1 s", "second", "1-second"},
		{41 * time.Second, "41 seconds", "41 s", "41 seconds", "41-second"},
		{59*time.Second + 600*time.Millisecond, "1 minute", "1 min", "minute", "1-minute"},
		{90 * time.Second, "1 minute 30 seconds", "1 min 30 s", "1 minute 30 seconds", "90-second"},
		{10*time.Minute + 20*time.Second, "10 minutes", "10 min", "10 minutes", "620-second"},
		{time.Hour, "1 hour", "1 h", "hour", "1-hour"},
		{2*time.Hour + 5*time.Minute, "2 hours 5 minutes", "2 h 5 min", "2 hours 5 minutes", "125-minute"},
		{24*time.Hour - time.Second, "1 day", "1 d", "day", "86399-second"},
		{30 * day, "30 days", "30 d", "30 days", "30-day"},
		{51*time.Hour + 40*time.Minute, "2 days 4 hours", "2 d 4 h", "2 days 4 hours", "3100-minute"},
		{4000 * day, "4,000 days", "4,000 d", "4,000 days", "4000-day"},
	} {
		if got := [4]string{Duration(tc.d), ShortDuration(tc.d), Period(tc.d), Adjective(tc.d)}; got != [4]string{tc.words, tc.short, tc.period, tc.adjective} {
			t.Errorf("%s is written %q", tc.d, got)
		}
	}
}

func TestLatency(t *testing.T) {
	for _, tc := range []struct {
		d            time.Duration
		exact, about string
	}{
		{2500 * time.Millisecond, "2.5 s", "2.5 s"},
		{1234567 * time.Microsecond, "1.235 s", "1.2 s"},
		{500 * time.Millisecond, "500 ms", "500 ms"},
		{123456 * time.Microsecond, "123.456 ms", "123 ms"},
		{1500 * time.Microsecond, "1.5 ms", "1.5 ms"},
		{250 * time.Microsecond, "250 µs", "250 µs"},
		{2500 * time.Nanosecond, "2.5 µs", "2.5 µs"},
		{100 * time.Nanosecond, "100 ns", "less than 1 µs"},
		{2 * time.Hour, "7200 s", "7,200 s"},
	} {
		if got := [2]string{Latency(tc.d), AboutLatency(tc.d)}; got != [2]string{tc.exact, tc.about} {
			t.Errorf("%s is written %q, want %q and %q", tc.d, got, tc.exact, tc.about)
		}
	}
}

func TestTime(t *testing.T) {
	minute := time.Date(2026, 10, 14, 12, 41, 0, 0, time.FixedZone("", 2*60*60))
	second, nextDay := minute.Add(5*time.Second), minute.Add(24*time.Hour)
	for _, tc := range []struct{ name, got, want string }{
		{"a day", Date(minute), "2026-10-14"},
		{"to the minute", Minute(second), "2026-10-14 10:41 UTC"},
		{"a whole minute", Time(minute), "2026-10-14 10:41 UTC"},
		{"no whole minute", Time(second), "2026-10-14 10:41:05 UTC"},
		{"one of whole minutes", NewClock(minute, nextDay).In(minute), "10:41 UTC on 2026-10-14"},
		{"one beside seconds", NewClock(minute, second).In(minute), "10:41:00 UTC on 2026-10-14"},
		{"in a table", NewClock(second).Full(second), "2026-10-14 10:41:05"},
		{"after one of the same day", Clock{}.Since(minute, second), "10:41"},
		{"after one of another day", Clock{}.Since(nextDay, minute), "2026-10-15 10:41"},
		{"a time of day", Clock{}.Of(minute), "10:41"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, tc.got, tc.want)
		}
	}
}
