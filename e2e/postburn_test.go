//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

const (
	// tick is the interval of the grid. Prometheus scrapes as often.
	tick = time.Second
	// delay is the shortest after which a tick is final: a scrape may take a second, and is then
	// written.
	delay = 2 * time.Second
)

// postburn is the daemon. It can be restarted: its store and its post-mortems stay.
type postburn struct {
	t   *testing.T
	dir string
	env []string
	*process
	url string
}

// newPostburn sets the daemon up for an SLO file, without starting it.
func newPostburn(t *testing.T, prometheusURL, slos string, env ...string) *postburn {
	t.Helper()
	p := &postburn{t: t, dir: t.TempDir()}
	p.env = append([]string{
		"POSTBURN_PROMETHEUS_URL=" + prometheusURL,
		"POSTBURN_SLO_PATH=" + p.path("slos.yaml"),
		"POSTBURN_INTERVAL=" + model.Duration(tick).String(),
		"POSTBURN_DELAY=" + model.Duration(delay).String(),
		"POSTBURN_STORE=sqlite:" + p.path("postburn.db"),
		"POSTBURN_LOCAL_DIR=" + p.path("postmortems"),
		"POSTBURN_LISTEN=127.0.0.1:0",
	}, env...)
	if err := os.WriteFile(p.path("slos.yaml"), []byte(slos), 0o666); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *postburn) path(name string) string { return filepath.Join(p.dir, name) }

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// start runs the daemon and waits until it is ready. With `around` it is run by that command.
func (p *postburn) start(around ...string) {
	p.t.Helper()
	args := append(around, binary, "run")
	p.process = start(p.t, p.path("log"), p.env, args[0], args[1:]...)
	p.awaitReady()
}

// awaitReady waits until the daemon is ready.
func (p *postburn) awaitReady() {
	p.t.Helper()
	await(p.t, patience, "postburn to be ready", func() error {
		if err := p.alive(); err != nil {
			p.t.Fatal(err)
		}
		return p.ready()
	})
}

// ready returns an error unless the daemon is ready.
func (p *postburn) ready() error {
	found := listening.FindStringSubmatch(p.output())
	if found == nil {
		return errNotYet
	}
	p.url = "http://" + found[1]
	_, err := get(p.url + "/-/ready")
	return err
}

func (p *postburn) api(name string, v any) error {
	body, err := get(p.url + "/api/v1/" + name)
	if err != nil {
		return errors.Join(err, p.alive())
	}
	return json.Unmarshal(body, v)
}

func (p *postburn) incidents() ([]web.Incident, error) {
	var answer struct {
		Incidents []web.Incident `json:"incidents"`
	}
	err := p.api("incidents", &answer)
	return answer.Incidents, err
}

// objective is how the objective of most tests stands.
func (p *postburn) objective() (web.Objective, error) { return p.objectiveOf("checkout") }

// objectiveOf is how an objective without label sets stands.
func (p *postburn) objectiveOf(name string) (found web.Objective, err error) {
	var answer struct {
		SLOs []web.Objective `json:"slos"`
	}
	if err := p.api("slos", &answer); err != nil {
		return found, err
	}
	for _, o := range answer.SLOs {
		if o.SLO == name {
			return o, nil
		}
	}
	return found, fmt.Errorf("%s is not one of the %d objectives", name, len(answer.SLOs))
}

// state returns an error unless the objective of most tests is in that state.
func (p *postburn) state(want alert.State) error { return p.stateOf("checkout", want) }

// stateOf returns an error unless an objective is in that state, in the API and in the metrics.
func (p *postburn) stateOf(name string, want alert.State) error {
	o, err := p.objectiveOf(name)
	if err != nil {
		return err
	}
	metric, err := p.metric("postburn_slo_state", "slo", name, "state", string(want))
	if err != nil {
		return err
	}
	if o.State != want || metric != 1 {
		return fmt.Errorf("%s is %s, and postburn_slo_state of %s is %v", name, o.State, want, metric)
	}
	return nil
}

// metric returns the value of a metric's only series with these labels, given as names and values.
func (p *postburn) metric(name string, labels ...string) (float64, error) {
	body, err := get(p.url + "/metrics")
	if err != nil {
		return 0, errors.Join(err, p.alive())
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
series:
	for _, m := range families[name].GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		for i := 0; i < len(labels); i += 2 {
			if has[labels[i]] != labels[i+1] {
				continue series
			}
		}
		return m.GetGauge().GetValue() + m.GetCounter().GetValue(), nil
	}
	return 0, fmt.Errorf("no metric %s%v", name, labels)
}

// lastTick is the end of the last tick of the objective of most tests that was committed.
func (p *postburn) lastTick() (time.Time, error) {
	seconds, err := p.metric("postburn_slo_last_tick_timestamp_seconds", "slo", "checkout")
	return time.Unix(int64(seconds), 0).UTC(), err
}

// ticksOn waits until so many more ticks of the objective of most tests are committed.
func (p *postburn) ticksOn(n int) {
	p.t.Helper()
	from, err := p.lastTick()
	if err != nil {
		p.t.Fatal(err)
	}
	await(p.t, patience, "more ticks", func() error {
		last, err := p.lastTick()
		if err == nil && last.Before(from.Add(time.Duration(n)*tick)) {
			err = fmt.Errorf("the last tick is %s", last)
		}
		return err
	})
}

// watch replaces the SLO file, and has it read again.
func (p *postburn) watch(slos string) {
	p.t.Helper()
	if err := os.WriteFile(p.path("slos.yaml"), []byte(slos), 0o666); err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.Post(p.url+"/-/reload", "text/plain", http.NoBody)
	if err != nil {
		p.t.Fatalf("reloading: %v (%v)", err, p.alive())
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("reloading: %s %v %s", resp.Status, err, text)
	}
}

// awaitPast waits until this run has read all that it wants of an objective's past.
func (p *postburn) awaitPast(name string) {
	p.t.Helper()
	await(p.t, patience, "the past of "+name, func() error {
		if p.said("all of the past is read", "slo="+name+" ") == 0 {
			return errors.Join(errNotYet, p.alive())
		}
		return nil
	})
}

// postMortems are the texts of all post-mortems, by the names of their files.
func (p *postburn) postMortems() map[string]string {
	p.t.Helper()
	names, err := filepath.Glob(p.path("postmortems/*.md"))
	if err != nil {
		p.t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// replay runs `postburn replay` over (from, to].
func (p *postburn) replay(from, to time.Time) []web.Incident {
	p.t.Helper()
	cmd := exec.Command(binary, "replay", "--no-cache", "--output", "json",
		"--start", from.Format(time.RFC3339), "--end", to.Format(time.RFC3339), p.path("slos.yaml"))
	cmd.Env = append(os.Environ(), p.env...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("replaying: %v\n%s", err, problems.String())
	}
	var found struct {
		Incidents []web.Incident `json:"incidents"`
	}
	if err := json.Unmarshal(out, &found); err != nil {
		p.t.Fatalf("replaying: %v\n%s", err, out)
	}
	return found.Incidents
}
