package count

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is when the tick of a test begins; it ends half a minute later.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// row is one series of a test. Its values are from scrapes 15 s apart: the last two from 12:00:10
// and 12:00:25, in the tick. `100+30x4` is 100 and four more, each 30 higher; a dot is a scrape
// without it. Values of `start` are seconds since noon.
type row struct {
	series string // name{label=value,...}
	values string
	want   string // of a counter: what it counted in the tick; late events; and its caveats
	after  time.Duration
}

func (r row) parse(t *testing.T) Series {
	t.Helper()
	name, rest, _ := strings.Cut(strings.TrimSuffix(r.series, "}"), "{")
	s := Series{Name: name, Labels: map[string]string{}}
	for pair := range strings.SplitSeq(rest, ",") {
		if label, v, ok := strings.Cut(pair, "="); ok {
			s.Labels[label] = v
		}
	}
	number := func(text string) float64 {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var values []float64 // negative infinity: none
	for _, field := range strings.Fields(r.values) {
		first, rest, isSequence := strings.Cut(field, "+")
		switch {
		case field == ".":
			values = append(values, math.Inf(-1))
		case isSequence && first != "":
			step, times, _ := strings.Cut(rest, "x")
			for i := range int(number(times)) + 1 {
				values = append(values, number(first)+float64(i)*number(step))
			}
		default:
			values = append(values, number(field))
		}
	}
	for i, v := range values {
		at := noon.Add(25*time.Second + r.after - time.Duration(len(values)-1-i)*15*time.Second)
		if name == "start" {
			v += float64(noon.Unix())
		}
		if !math.IsInf(v, -1) {
			s.Samples = append(s.Samples, Sample{at.UnixMilli(), v})
		}
	}
	return s
}

// text writes what a counter counted, as in rows.
func text(c Counted) string {
	s := strconv.FormatFloat(c.Events, 'f', -1, 64)
	if !c.Since.IsZero() {
		s += fmt.Sprintf(", %v since %s", c.Late, c.Since.Format("15:04:05"))
	}
	for _, note := range c.Caveats {
		s += fmt.Sprintf(", %s %.0f", note.Kind, note.Events)
	}
	return s
}

const one = "{job=a,instance=1}"

var ups = row{series: "up" + one, values: "1+0x7"}

// run counts the rows' series in one tick, and compares; once more if they remember their labels.
func run(t *testing.T, rows []row) {
	t.Helper()
	w := World{Tick: noon.Add(30 * time.Second), Interval: 30 * time.Second}
	want := map[string]string{}
	var names []string
	for _, r := range rows {
		switch s := r.parse(t); s.Name {
		case "up":
			w.Up = append(w.Up, s)
		case "start":
			w.Starts = append(w.Starts, s)
		default:
			w.Counters = append(w.Counters, s)
			names = append(names, r.series)
			want[r.series] = r.want
		}
	}
	for range 2 {
		got := map[string]string{}
		for i, c := range w.Count() {
			got[names[i]] = text(c)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		w.prepare()
	}
}

// TestSteps has what the scrapes of one target show.
func TestSteps(t *testing.T) {
	all, bad := "all"+one, "bad"+one
	start := "start" + one
	tests := []struct {
		name string
		rows []row
	}{
		{"goes on and rises", []row{ups, {all, "100+30x5", "60", 0}}},
		{"bytes", []row{ups, {all, "9e15+45e9x5", "90000000000", 0}}},
		{"fell by more than 1/8", []row{ups, {all, "170 200 230 10 40", "40, reset 10", 0}}},
		{"fell and rose in a tick", []row{ups, {all, "1 20 5 30", "30, reset 5", 0}}},
		{"a sibling fell in the same step", []row{ups, {all, "170 200 230 10 40", "40, reset 10", 0}, {bad, "3 3 3 4 4", "4, restart 3", 0}}},
		{"a sibling fell a step before", []row{ups, {all, "170 200 230 10 40 70", "60", 0}, {bad, "3 3 3 3 4 4", "1", 0}}},
		{"fell a little", []row{ups, {all, "970 1000 990 1020", "20", 0}}},
		{"fell by just 1/8", []row{ups, {all, "940 970 1000 875 1005", "5", 0}}},
		{"fell to what any process may have at once", []row{ups, {all, "5000 5001 5002 100 101", "101, reset 100", 0}}},
		{"fell to more than it can have counted since", []row{ups, {all, "5000 5001 5002 150 151", "1, uncountable 150", 0}}},
		{"back, its siblings went on", []row{ups, {all, "100+30x5", "60", 0}, {bad, "5 . . . . 7", "2, returned 5", 0}}},
		{"back, its siblings went on, the exporter restarted", []row{
			ups, {start, "-9000 -9000 -30 -30 -30 -30", "", 0},
			{all, "10000+30x5", "60", 0}, {bad, "5 . . . . 7", "2, returned 5", 0},
		}},
		{"back at its old value, a sibling fell since", []row{ups, {all, "1200 10+300x4", "600", 0}, {bad, "600 . . . . 600", "600", 0}}},
		{"back, a sibling fell before it was last seen", []row{ups, {all, "1200 10+300x4", "600", 0}, {bad, "600 600 . . . 600", "0, returned 600", 0}}},
		{"back, another one was deleted, too", []row{
			ups, {all, "9000+30x5", "60", 0}, {bad, "6 . . . . 8", "8, restart 6", 0}, {"slow" + one, "50 . . . . 3", "3", 0},
		}},
		{"back from 0 after a reload", []row{ups, {all, "100+30x5", "60", 0}, {bad, "600 . . . 10 20", "20", 0}}},
		{"back a little lower", []row{ups, {all, "100+30x5", "60", 0}, {bad, "600 . . . . 590", "0, dip 10", 0}}},
		{"back, its process started", []row{ups, {start, "-9000 -9000 -30 -30 -30 -30", "", 0}, {bad, "6 . . . . 8", "8", 0}}},
		{"first error", []row{ups, {all, "100+30x5", "60", 0}, {bad, ". . . . 12 20", "20", 0}}},
		{"first error with a past", []row{ups, {all, "100+30x5", "60", 0}, {bad, ". . . . 5000 5010", "10, baseline 5000", 0}}},
		{"first errors after a restart, many at once", []row{
			ups, {start, "-9000 -9000 -9000 -9000 5 5", "", 0},
			{all, "1000+30x3 5 35", "35, reset 19", 0}, {bad, ". . . . 900 900", "900", 0},
		}},
		{"first errors of an idle target", []row{ups, {all, "50+0x5", "0", 0}, {bad, ". . . . . 8", "8", 0}}},
		{"first errors of an idle target, many at once", []row{ups, {all, "50+0x5", "0", 0}, {bad, ". . . . . 80", "0, baseline 80", 0}}},
		{"first errors, nothing else is known", []row{ups, {bad, ". . . . 10 40", "40", 0}}},
		{"exporter restarted", []row{ups, {start, "-9000 -9000 -9000 -9000 5 5", "", 0}, {all, "10000+30x5", "60, restart 10090", 0}}},
		{"a reset that only the start shows", []row{ups, {start, "-60 -60 -60 -60 5 5", "", 0}, {all, "10 30 50 80 100 130", "130, reset 34", 0}}},
		{"no reset, the start is another by rounding", []row{ups, {start, "-60 -60 -60 -60 -59 -60", "", 0}, {all, "10 30 50 80 100 130", "50", 0}}},
		{"no reset, the start is another by two seconds", []row{
			ups, {start, "-9000 -9000 -9000 -3 -1 -1", "", 0}, {all, "1000 1030 1060 10 30 50", "40", 0},
		}},
		{"a reset, the start is another by three seconds", []row{
			ups, {start, "-9000 -9000 -9000 -3 0 0", "", 0}, {all, "1000 1030 1060 10 30 50", "50, reset 15", 0},
		}},
		{"the old process once more", []row{
			ups, {start, "-9000 -9000 -35 -35 -9000 -35", "", 0},
			{all, "900 930 10 40 940 70", "30", 0}, {bad, "50 50 0 1 50 2", "1", 0},
		}},
		{"the old process once more, started three seconds before", []row{
			ups, {start, "-38 -38 -35 -35 -38 -35", "", 0}, {all, "900 930 10 40 940 70", "30", 0}, {bad, "50 50 0 1 50 2", "1", 0},
		}},
		{"the old process once more, no start", []row{ups, {all, "870 900 930 10 40 940 70", "30", 0}, {bad, "50 50 50 0 1 50 2", "1", 0}}},
		{"the old process once more, with just enough events", []row{ups, {all, "8 10 12 1 2 12 3", "1", 0}}},
		{"too few events to know a process by", []row{ups, {all, "5 7 9 1 2 9 3", "10, reset 3", 0}}},
		{"more than the old process can have", []row{ups, {all, "870 900 930 10 40 5000 5030", "4990", 0}}},
		{"several processes of one target", []row{
			ups, {all, "100+30x5", "60", 0},
			{"start{job=a,instance=1,name=x}", "-9000+0x5", "", 0}, {"start{job=a,instance=1,name=y}", "-600+0x5", "", 0},
		}},
		{"several processes by turns, of which one has errors", []row{
			ups, {all, "100000 50000 100010 50005 100020 50010 100030 50015", "0, uncountable 100035", 0}, {bad, "0 600 0 600 0 600 0 600", "0, uncountable 600", 0},
		}},
		{"several processes by turns, whose errors are few", []row{
			ups, {all, "100000 50000 100010 50005 100020 50010 100030 50015", "0, uncountable 100035", 0}, {bad, "100 190 280 370 460 550 640 730", "0, uncountable 180", 0},
		}},
		{"crash loops that are scraped twice", []row{ups, {all, "5 65 7 66 4 66 5 66", "66, reset 5", 0}, {bad, "2 20 2 20 2 20 2 20", "20, reset 2", 0}}},
		{"a reset, and nothing else is known", []row{
			{"up" + one, "1 . 1", "", 0}, {all, "73000 . 392", "392, reset 392", 0}, {bad, "206 . 226", "226, restart 206", 0},
		}},
		{"not a number", []row{ups, {all, "70 100 NaN 160", "60, not_a_number 0", 0}}},
		{"negative", []row{ups, {all, "70 100 -5 160", "60, not_a_number 0", 0}}},
		{"infinite", []row{ups, {all, "70 100 +Inf 160", "60, not_a_number 0", 0}}},
		{"two processes behind one address", []row{ups, {all, "1000 500 1010 505 1020 510 1030 515", "0, uncountable 1035", 0}}},
		{"two processes behind one address, with start", []row{
			ups, {start, "-9000 -600 -9000 -600 -9000 -600 -9000 -600", "", 0}, {all, "1000 500 1010 505 1020 510 1030 515", "5, uncountable 10", 0},
		}},
		{"two processes behind one address, a few falls", []row{ups, {all, "1000 500 1010 505 1020 510 1030", "0, uncountable 1030", 0}}},
		{"two processes behind one address, too few falls", []row{ups, {all, "1000 500 1010 505 1020", "1020, reset 505", 0}}},
		{"two processes behind one address, one of them idle", []row{ups, {all, "4000 1001 4010 1001 4020 1001 4030 1001", "0, uncountable 4030", 0}}},
		{"two processes behind one address, or crashes after as many events each", []row{
			ups, {all, "4000 1000 4010 1000 4020 1000 4030 1000", "4030, reset 1000", 0},
		}},
		{"four processes behind one address", []row{ups, {all, "4000 3000 2000 1000 4010 3010 2010 1010 4020 3020 2020 1020", "0, uncountable 3040", 0}}},
		{"five processes behind one address", []row{
			ups, {all, "5000 4000 3000 2000 1000 5010 4010 3010 2010 1010 5020 4020 3020 2020 1020", "3040, reset 3040", 0},
		}},
		{"many processes behind one address", []row{ups, {all, "7000 5000 9000 6000 8000 5500 9500 6200", "0, uncountable 10200", 0}}},
		{"a sum of which one process went", []row{ups, {all, "9000+30x3 6000 6030", "30, uncountable 6000", 0}}},
		{"a sum of which processes went now and then", []row{
			ups, {all, "9000+30x4 7000+30x4 5000+30x4 3000+30x4", "60", 0},
		}},
		{"a client of many began anew", []row{
			ups, {`all{job=a,instance=1,client=x}`, "9000+30x5", "60", 0}, {`all{job=a,instance=1,client=y}`, "100+30x3 5 35", "35, reset 5", 0},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { run(t, tt.rows) })
	}
}

// TestTargets has targets that begin, end and go on under other labels.
func TestTargets(t *testing.T) {
	named := "{job=a,instance=1,team=x}"
	other := "{job=a,instance=2}"
	up := func(labels string) row { return row{series: "up" + labels, values: "1+0x7"} }
	tests := []struct {
		name string
		rows []row
	}{
		{"gets a label", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "100+30x3 . .", "0", 0},
			{"up" + named, ". . . . 1 1", "", 0}, {"all" + named, ". . . . 220 250", "60", 0},
		}},
		{"gets a label, young", []row{
			{"up" + one, ". . 1 1 . .", "", 0}, {"all" + one, ". . 10 40 . .", "0", 0}, {"start" + one, ". . -25 -25 . .", "", 0},
			{"up" + named, ". . . . 1 1", "", 0}, {"all" + named, ". . . . 70 100", "60", 0}, {"start" + named, ". . . . -25 -25", "", 0},
		}},
		{"gets a label and restarts", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "100+30x3 . .", "0", 0}, {"start" + one, "-9000+0x3 . .", "", 0},
			{"up" + named, ". . . . 1 1", "", 0}, {"all" + named, ". . . . 10 40", "40", 0}, {"start" + named, ". . . . 4 4", "", 0},
		}},
		{"is new, and has run for less than an hour", []row{
			{"up" + one, ". . . . 1 1", "", 0}, {"all" + one, ". . . . 40 50", "10, 40 since 11:01:40", 0}, {"start" + one, ". . . . -3500 -3500", "", 0},
		}},
		{"is new, and has run for more than an hour", []row{
			{"up" + one, ". . . . 1 1", "", 0}, {"all" + one, ". . . . 40 50", "10, baseline 40", 0}, {"start" + one, ". . . . -3700 -3700", "", 0},
		}},
		{"loses a label", []row{
			{"up" + named, "1+0x3 . .", "", 0}, {"all" + named, "100+30x3 . .", "0", 0},
			{"up" + one, ". . . . 1 1", "", 0}, {"all" + one, ". . . . 220 250", "60", 0},
		}},
		{"changes its instance", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1120 1150", "60, returned 1090", 0},
		}},
		{"changes its instance, same start", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1120 1150", "60", 0}, {"start" + other, ". . . . -900 -900", "", 0},
		}},
		{"changes its instance, same start, a little lower", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1080 1140", "50", 0}, {"start" + other, ". . . . -900 -900", "", 0},
		}},
		{"changes its instance, a start two seconds later, a little lower", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1080 1140", "50", 0}, {"start" + other, ". . . . -898 -898", "", 0},
		}},
		{"changes its instance, a start two seconds earlier, a little lower", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1080 1140", "50", 0}, {"start" + other, ". . . . -902 -902", "", 0},
		}},
		{"another process, a start three seconds later", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1120 1150", "30, 1120 since 11:45:03, restart 1120", 0}, {"start" + other, ". . . . -897 -897", "", 0},
		}},
		{"changes its instance, young, same start", []row{
			{"up" + one, ". 1 . 1 . .", "", 0}, {"all" + one, ". 10 . 70 . .", "0", 0}, {"start" + one, ". -37 . -37 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 100 130", "60", 0}, {"start" + other, ". . . . -37 -37", "", 0},
		}},
		{"changes its instance as its exporter restarts", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "1000+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 1120 1150", "60, restart 1090", 0}, {"start" + other, ". . . . 1 1", "", 0},
		}},
		{"changes its instance as its exporter restarts, or a pod replaces it", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "50+30x3 . .", "0", 0}, {"start" + one, "-900+0x3 . .", "", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 170 200", "200, restart 170", 0}, {"start" + other, ". . . . 1 1", "", 0},
		}},
		{"a sibling fell in the same step, no up", []row{
			{"all{job=a,instance=1,code=200}", "170 200 230 10 40", "40, reset 10", 0}, {"all{job=a,instance=1,code=500}", "3 3 3 4 4", "4, restart 3", 0},
		}},
		{"two pods push in the same millisecond once", []row{
			{"all{pod=x}", "100 . 130 . 160 .", "30", 0}, {"all{pod=y}", "3 4 . 4 . 5", "1", 0},
		}},
		{"series with other labels", []row{
			{"up" + one, "1+0x5", "", 0}, {"all{job=a,instance=1,code=200}", "170 200 230 10 40", "40, reset 10", 0},
			{"all{job=a,instance=2,code=200}", "3 3 3 4 4", "1", 0}, {"all{job=a,instance=1,method=GET}", "3 3 3 4 4", "4, restart 3", 0},
			{"all{job=a,instance=2,team=x}", "3 3 3 4 4", "1", 0},
		}},
		{"begins and gets a label, no up", []row{
			{"all" + other, "100+30x5", "60", 0}, {"all{job=a,instance=2,team=x}", "100+30x5", "60", 0},
			{"all" + one, ". . . . 10 .", "10, new_target 10", 0}, {"all" + named, ". . . . . 40", "30", 0},
		}},
		{"pushed, restarts and gets a label, another one had as much", []row{
			{"all{pod=x}", "6000+30x3 . .", "0", 4 * time.Second}, {"all{pod=x,team=t}", ". . . . . 50", "50, new_target 50", 4 * time.Second},
			{"all{pod=y}", "5500+30x3 28 .", "28, reset 28", 0}, {"all{pod=z}", "100+30x5", "60", 2 * time.Second},
		}},
		{"two pods that started together, one is scraped first", []row{
			{"up" + one, ". . . . 1 .", "", 0}, {"all" + one, ". . . . 7 .", "7", 0}, {"start" + one, ". . . . 1 .", "", 0},
			{"up" + other, ". . . . . 1", "", 0}, {"all" + other, ". . . . . 180", "180", 0}, {"start" + other, ". . . . . 2", "", 0},
		}},
		{"two pods that started together, their job is scraped less often than it is ticked", []row{
			{"up{job=a,instance=0}", "1 . . . 1 .", "", 0}, {"all{job=a,instance=0}", "100 . . . 220 .", "120", 0},
			{"up" + one, ". . . . . 1", "", 0}, {"all" + one, ". . . . . 17", "0, 17 since 11:59:00", 0}, {"start" + one, ". . . . . -60", "", 0},
			{"up" + other, ". . . . . 1", "", time.Millisecond}, {"all" + other, ". . . . . 33", "0, 33 since 11:59:01", time.Millisecond},
			{"start" + other, ". . . . . -59", "", time.Millisecond},
		}},
		{"two pods that started together, nothing is known of their job", []row{
			{"up" + one, ". . . . . 1", "", 0}, {"all" + one, ". . . . . 17", "0, 17 since 11:59:00", 0}, {"start" + one, ". . . . . -60", "", 0},
			{"up" + other, ". . . . . 1", "", time.Millisecond}, {"all" + other, ". . . . . 33", "0, 33 since 11:59:01, restart 33", time.Millisecond},
			{"start" + other, ". . . . . -59", "", time.Millisecond},
		}},
		{"a pod replaces a young one", []row{
			{"up" + one, ". . 1 1 . .", "", 0}, {"all" + one, ". . 5 35 . .", "0", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 36 66", "66, new_target 36", 0},
		}},
		{"a pod replaces one that had an error", []row{
			{"up" + one, "1+0x3 . .", "", 0}, {"all" + one, "100+30x3 . .", "0", 0}, {"bad" + one, "9+0x3 . .", "0", 0},
			{"up" + other, ". . . . 1 1", "", 0}, {"all" + other, ". . . . 195 225", "30, baseline 195", 0},
		}},
		{"a label on series only", []row{
			up(one), {"all" + one, "100+30x3 . .", "0", 0}, {"all{job=a,instance=1,zone=b}", ". . . . 220 250", "60", 0},
		}},
		{"two targets of one instance", []row{
			up("{job=a,instance=1,path=x}"), up("{job=a,instance=1,path=y}"),
			{"all{job=a,instance=1,path=x}", "100+30x3 5 35", "35, reset 5", 0}, {"bad{job=a,instance=1,path=x}", "1+0x5", "1, restart 1", 0},
			{"all{job=a,instance=1,path=y}", "100+30x5", "60", 0}, {"bad{job=a,instance=1,path=y}", "1+0x5", "0", 0},
		}},
		{"started in the tick", []row{
			{"up" + one, ". . . . 1 1", "", 0}, {"start" + one, ". . . . 3 3", "", 0}, {"all" + one, ". . . . 40 70", "70", 0},
		}},
		{"started a minute ago", []row{
			{"up" + one, ". . . . 1 1", "", 0}, {"start" + one, ". . . . -60 -60", "", 0}, {"all" + one, ". . . . 40 70", "30, 40 since 11:59:00", 0},
		}},
		{"started long ago", []row{
			{"up" + one, ". . . . 1 1", "", 0}, {"start" + one, ". . . . -9000 -9000", "", 0}, {"all" + one, ". . . . 40 70", "30, baseline 40", 0},
		}},
		{"new, as large as its peers", []row{
			up(other), {"all" + other, "5000+30x5", "60", 0},
			{"up" + one, ". . . . 1 1", "", 0}, {"all" + one, ". . . . 40 70", "70, new_target 40", 0}, {"bad" + one, ". . . . 20 20", "20, new_target 20", 0},
		}},
		{"new, far larger than its peers", []row{
			up(other), {"all" + other, "5000+30x5", "60", 0},
			{"up" + one, ". . . . 1 1", "", 0}, {"all" + one, ". . . . 4000 4030", "30, baseline 4000", 0}, {"bad" + one, ". . . . 20 20", "0, baseline 20", 0},
		}},
		{"pushed, the first error", []row{{"all{pod=x,code=200}", "100+30x5", "60", 0}, {"all{pod=x,code=500}", ". . . . 12 20", "20", 0}}},
		{"pushed by pods at different times", []row{
			{"all{pod=x,code=200}", "100+30x3 5 35", "35, reset 5", 0}, {"all{pod=x,code=500}", "2+0x5", "2, restart 2", 0},
			{"all{pod=y,code=200}", "100+30x5", "60", 4 * time.Second}, {"all{pod=y,code=500}", "2+0x5", "0", 4 * time.Second},
		}},
		{"pushed by pods at one time", []row{
			{"all{pod=x,code=200}", "900+30x3 5 35", "35, reset 5", 0}, {"all{pod=y,code=200}", "900+30x5", "60", 0}, {"all{pod=y,code=500}", "2+0x5", "0, restart 2", 0},
		}},
		{"pushed by pods at one time, one is back", []row{
			{"all{pod=x}", "900+30x3 5 35", "35, reset 5", 0}, {"all{pod=y}", "900+30x5", "60", 0}, {"all{pod=z}", "1000 1030 1060 . . 1150", "90, returned 1060", 0},
		}},
		{"pushed by jobs at one time", []row{
			{"all{job=x,instance=1}", "100+30x3 5 35", "35, reset 5", 0}, {"all{job=x,instance=2,code=500}", "2+0x5", "0", 0},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { run(t, tt.rows) })
	}
}

// TestTogether tells series of one scrape from series of pods that once pushed in the same
// millisecond.
func TestTogether(t *testing.T) {
	tests := []struct {
		name string
		a, b []int64
		want bool
	}{
		{"one scrape", []int64{10, 20, 30}, []int64{10, 20, 30}, true},
		{"one began later", []int64{10, 20, 30, 40}, []int64{40}, true},
		{"one was gone for a while", []int64{10, 20, 30, 40, 50, 60}, []int64{10, 60}, true},
		{"two pods that met once", []int64{10, 20, 30, 40}, []int64{5, 16, 27, 30, 41}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			samples := func(times []int64) (all []Sample) {
				for _, at := range times {
					all = append(all, Sample{at, 1})
				}
				return all
			}
			if got := together(samples(tt.a), samples(tt.b)); got != tt.want {
				t.Errorf("together is %v, not %v", got, tt.want)
			}
		})
	}
}
