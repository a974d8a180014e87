package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/store"
)

// dropper is a fake store with this many old incidents left.
type dropper struct {
	left    int
	failing error
	calls   []string // when, what before, and how many
}

func (d *dropper) drop(_ context.Context, before time.Time, most int) (int, error) {
	d.calls = append(d.calls, time.Now().UTC().Format("15:04:05.0")+" before "+before.UTC().Format(time.DateTime))
	if d.failing != nil {
		return 0, d.failing
	}
	n := min(d.left, most)
	d.left -= n
	return n, nil
}

// run runs a Retention for a time, and returns its log, metrics and error.
func run(t *testing.T, d *dropper, keep, lasting time.Duration) (log string, metrics *prometheus.Registry, err error) {
	t.Helper()
	var text bytes.Buffer
	metrics = prometheus.NewRegistry()
	logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	r := store.NewRetention(store.Options{Keep: keep, Drop: d.drop, Logger: logger, Registerer: metrics})
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	err = r.Run(ctx)
	return text.String(), metrics, err
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dropper{left: 250}
		log, metrics, err := run(t, d, 48*time.Hour, 90*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"00:01:00.0 before 1999-12-30 00:01:00", "00:01:00.1 before 1999-12-30 00:01:00", "00:01:00.2 before 1999-12-30 00:01:00",
			"01:01:00.2 before 1999-12-30 01:01:00",
		}
		if diff := cmp.Diff(want, d.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if want := "level=INFO msg=\"dropped old incidents\" incidents=250 ended_before=1999-12-30T00:01:00.000Z\n"; log != want {
			t.Errorf("logged %q", log)
		}
		if problems, err := testutil.GatherAndLint(metrics); err != nil || len(problems) > 0 {
			t.Errorf("%v, %v", problems, err)
		}
		err = testutil.GatherAndCompare(metrics, strings.NewReader(`
			# HELP postburn_incident_drops_failed_total Runs that could not drop old incidents and are made again.
			# TYPE postburn_incident_drops_failed_total counter
			postburn_incident_drops_failed_total 0
			# HELP postburn_incidents_dropped_total Incidents that were dropped because they ended longer ago than POSTBURN_RETENTION.
			# TYPE postburn_incidents_dropped_total counter
			postburn_incidents_dropped_total 250
		`))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRetentionGoesOnAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dropper{left: 1, failing: errors.New("disk full")}
		log, metrics, err := run(t, d, time.Hour, 3*time.Hour)
		if err != nil || len(d.calls) != 3 || strings.Count(log, `level=WARN msg="old incidents stay for now" err="disk full"`) != 3 {
			t.Errorf("%v, called at %v, logged:\n%s", err, d.calls, log)
		}
		if n, err := testutil.GatherAndCount(metrics, "postburn_incident_drops_failed_total"); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestRetentionEndsWhenFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dropper{failing: alert.ErrFenced}
		if log, _, err := run(t, d, time.Hour, 3*time.Hour); !errors.Is(err, alert.ErrFenced) || len(d.calls) != 1 || log != "" {
			t.Errorf("%v after %v, logged:\n%s", err, d.calls, log)
		}
	})
}

func TestRetentionForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dropper{left: 1}
		if _, _, err := run(t, d, 0, 24*time.Hour); err != nil || d.calls != nil {
			t.Errorf("%v, called at %v", err, d.calls)
		}
	})
}
