package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// What there is to replay: services of 40 series, as in the other measurements, over 30 days and
// the three before that, which the longest rule looks back over. Every other service has outages.
const (
	replayed      = 30 * 24 * time.Hour
	replayedAfter = longPast // of data
	replayTick    = 30 * time.Second
	replayLimit   = 2 * time.Minute // that the replay of so many objectives takes at most:
	replayLimited = 100
	// replayReads bounds the samples read, as a multiple of those that the series hold. For a step
	// of 5 minutes, falls are looked for in 10 minutes.
	replayReads = 2.5
	replayedAt  = "99.9%" // the target
	// replayAgain is how long a replay with another target may take that asks Prometheus for
	// nothing, of so many objectives.
	replayAgain        = 2 * time.Second
	replayAgainLimited = 100
)

// replayVariants are what is replayed of the same objectives. The ones after everyTick ask for
// nothing.
var replayVariants = [...]replayVariant{
	{target: replayedAt, flags: []string{"--no-cache"}},
	{name: ", every tick", target: replayedAt, flags: []string{"--every-tick"}},
	{name: ", then with 99.5%", target: "99.5%", known: true},
	{name: ", then with 99.95%", target: "99.95%", known: true},
	{name: ", then with other rules", target: replayedAt, more: ", incident: {burn: [{rate: 3, long: 4h, short: 20m}]}", known: true},
}

// replayVariant is a replay with other settings.
type replayVariant struct {
	name, target, more string // more is other defaults
	flags              []string
	known              bool // all that it needs was read before
}

// replaySizes are the numbers of objectives that are replayed.
var replaySizes = [...]int{1, 10, 100}

// replayKinds are the outages of services, after the start.
var replayKinds = [...][]outage{
	{
		{from: 50 * time.Hour, length: 10 * time.Minute, share: 0.5},
		{from: 211*time.Hour + 7*time.Second, length: 4 * time.Minute, share: 1, restarts: true},
		{from: 400 * time.Hour, length: 2 * time.Hour, share: 0.02},
		{from: 620 * time.Hour, length: 40 * time.Minute, share: 0.1},
	},
	{},
}

// replay is what replaying took.
type replay struct {
	n, incidents int
	version      version
	replayVariant
	took                 time.Duration
	samples, held        float64 // read, and in the series of the objectives in that time
	prometheus, postburn float64 // s of CPU
	peak                 float64 // bytes
}

// measureReplays replays a month of some objectives. An older postburn, if there is one, does so
// before each of them.
func (b *bench) measureReplays(ctx context.Context) (all []replay, err error) {
	end := time.Now().Add(-time.Hour).Truncate(replayTick).UTC()
	start := end.Add(-replayed)
	n := min(b.most, replaySizes[len(replaySizes)-1])
	b.say("writing a month of %d services", n)
	if err := b.start(ctx, func(data string) error { return writeMonth(ctx, data, n, start, end) }); err != nil {
		return nil, err
	}
	defer b.prometheus.kill()
	if b.idle, err = b.measureIdle(ctx); err != nil {
		return nil, err
	}
	for _, n := range replaySizes {
		if n < b.least || n > b.most {
			continue
		}
		found := map[version]string{}
		for _, v := range slices.Backward(b.versions()) {
			b.say("replaying %d objectives%s", n, v.suffix())
			r, incidents, err := b.replay(ctx, v, n, replayVariants[0], start, end)
			if err != nil {
				return nil, fmt.Errorf("replaying %d objectives%s: %w", n, v.suffix(), err)
			}
			all, found[v] = append(all, r), incidents
		}
		for _, how := range replayVariants[1:] {
			b.say("replaying %d objectives%s", n, how.name)
			r, incidents, err := b.replay(ctx, present, n, how, start, end)
			if err != nil {
				return nil, fmt.Errorf("replaying %d objectives%s: %w", n, how.name, err)
			}
			if all = append(all, r); how.target == replayedAt && how.more == "" && incidents != found[present] {
				return nil, fmt.Errorf("the incidents are not the same: in steps\n%s\nevery tick\n%s", found[present], incidents)
			}
		}
		if b.beside != "" && found[present] != found[older] {
			return nil, fmt.Errorf("the incidents are not the same: before\n%s\nnow\n%s", found[older], found[present])
		}
	}
	return all, nil
}

// writeMonth writes blocks of what n services count.
func writeMonth(ctx context.Context, dir string, n int, start, end time.Time) error {
	from := start.Add(-replayedAfter)
	random := rand.New(rand.NewPCG(9, 10))
	var all []series
	for kind, outages := range replayKinds {
		for i := range instances {
			answered, failed := play(outages, i, from, start, end, random)
			for s := kind; s < n; s += len(replayKinds) {
				all = append(all, series{counterLabels("200", instanceName(i), s), &answered}, series{counterLabels("500", instanceName(i), s), &failed})
			}
		}
	}
	for s := range n {
		for i := range instances {
			all = append(all, series{labels.FromStrings("__name__", "up", "instance", instanceName(i), "job", serviceName(s)), up(i, from, end)})
		}
	}
	slices.SortFunc(all, func(a, b series) int { return labels.Compare(a.labels, b.labels) })
	block := 0
	for at := from; at.Before(end); at = at.Add(blockRange) {
		to := at.Add(blockRange)
		if to.After(end) {
			to = end
		}
		if err := writeBlock(ctx, dir, block, at, to, all); err != nil {
			return err
		}
		block++
	}
	return nil
}

// replay runs the command, and returns what it took and which incidents it found.
func (b *bench) replay(ctx context.Context, v version, n int, how replayVariant, start, end time.Time) (r replay, incidents string, err error) {
	var text strings.Builder
	fmt.Fprintf(&text, "defaults: {target: %s, window: 30d%s}\nslos:\n", how.target, how.more)
	for i := range n {
		writeSLO(&text, serviceName(i), serviceName(i), fmt.Sprintf("service=%q", serviceName(i)))
	}
	slos := filepath.Join(b.dir, fmt.Sprintf("slos-%d.yaml", n))
	if err := os.WriteFile(slos, []byte(text.String()), 0o666); err != nil {
		return r, "", err
	}
	if err := b.prometheus.collect(ctx); err != nil {
		return r, "", err
	}
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return r, "", err
	}
	args := []string{"--prometheus=" + b.prometheus.url, "replay", "--start=" + start.Format(time.RFC3339), "--end=" + end.Format(time.RFC3339), "--output=json"}
	if v == present {
		args = append(args, how.flags...)
	}
	cmd := exec.CommandContext(ctx, b.binary(v), append(args, slos)...)
	cmd.Env = append(cmd.Environ(), "POSTBURN_INTERVAL="+replayTick.String(), "XDG_CACHE_HOME="+filepath.Join(b.dir, fmt.Sprintf("cache-%d", n)))
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	begun := time.Now()
	peak, err := runAndWatch(cmd)
	if err != nil {
		return r, "", fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	r = replay{n: n, version: v, replayVariant: how, took: time.Since(begun), peak: peak}
	after, err := b.prometheus.work(ctx)
	if err != nil {
		return r, "", err
	}
	r.samples, r.prometheus = after.samples-before.samples, b.above(before, after)
	r.held = float64(n*instances*len(codes)) * float64((replayed+replayedAfter)/scrape)
	r.postburn = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	r.incidents, incidents, err = incidentsOf(out.Bytes())
	b.say("  took %s: %s samples, %s of Prometheus' CPU, %s of postburn's, %d incidents",
		r.took.Round(time.Millisecond), whole(r.samples), seconds(r.prometheus), seconds(r.postburn), r.incidents)
	return r, incidents, err
}

// runAndWatch runs a command, and returns how much memory it had at most. What the kernel says when
// it has ended is no less than what this process has itself.
func runAndWatch(cmd *exec.Cmd) (peak float64, err error) {
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		err = cmd.Wait()
		close(p.ended)
	}()
	for {
		select {
		case <-p.ended:
			return peak, err
		case <-time.After(20 * time.Millisecond):
			if u, err := p.usage(); err == nil { // else it is ending
				peak = max(peak, u.peak)
			}
		}
	}
}

// incidentsOf says when the windows of a replay's incidents were, in a line each.
func incidentsOf(replay []byte) (n int, lines string, err error) {
	var answer struct {
		Incidents []struct {
			ID      string
			Windows []struct {
				SLO, Kind, Onset, Detected, Ended string
				Bad, Total                        float64
			}
		}
	}
	if err := json.Unmarshal(replay, &answer); err != nil {
		return 0, "", err
	}
	var all []string
	for _, i := range answer.Incidents {
		for _, w := range i.Windows {
			all = append(all, fmt.Sprintf("%s %+v\n", i.ID, w))
		}
	}
	slices.Sort(all)
	return len(answer.Incidents), strings.Join(all, ""), nil
}

// printReplays prints a row for each replay, and what of an older one it is.
func printReplays(w io.Writer, all []replay) {
	fmt.Fprintln(w, "| objectives replayed | takes | Prometheus' CPU | postburn's CPU | its memory, at most | samples read | the series hold | incidents |")
	fmt.Fprintln(w, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, r := range all {
		fmt.Fprintf(w, "| %s%s | %s | %s | %s | %s | %s | %s | %d |\n", whole(float64(r.n)), r.suffix(), seconds(r.took.Seconds()),
			seconds(r.prometheus), seconds(r.postburn), size(r.peak), whole(r.samples), whole(r.held), r.incidents)
	}
	for _, r := range all {
		for _, old := range all {
			if r.version == present && old.version == older && r.n == old.n && r.name == "" {
				fmt.Fprintf(w, "| %s, of before | %s | %s | %s | %s | %s |  |  |\n", whole(float64(r.n)), times(r.took.Seconds(), old.took.Seconds()),
					times(r.prometheus, old.prometheus), times(r.postburn, old.postburn), times(r.peak, old.peak), times(r.samples, old.samples))
			}
		}
	}
	fmt.Fprintln(w)
}

// suffix says which version of postburn it was, or what was different.
func (r replay) suffix() string { return r.version.suffix() + r.name }

// missed is what of a result is not as docs/cost.md promises.
func (r replay) missed() error {
	switch {
	case r.version == older:
		return nil
	case r.known && r.samples > 0:
		return fmt.Errorf("replaying %d objectives%s read %s samples again", r.n, r.name, whole(r.samples))
	case r.known && r.more == "" && r.n <= replayAgainLimited && r.took > replayAgain:
		return fmt.Errorf("replaying %d objectives%s took %s, which is over %s", r.n, r.name, r.took.Round(time.Millisecond), replayAgain)
	case r.known || r.name != "":
		return nil
	case r.samples > replayReads*r.held:
		return fmt.Errorf("replaying %d objectives read %s samples, more than %v times the %s that their series hold", r.n, whole(r.samples), replayReads, whole(r.held))
	case r.n <= replayLimited && r.took > replayLimit:
		return fmt.Errorf("replaying %d objectives took %s, which is over %s", r.n, r.took.Round(time.Second), replayLimit)
	}
	return nil
}
