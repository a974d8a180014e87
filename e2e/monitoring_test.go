//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/store/lease"
)

const (
	alertsFile    = "../deploy/prometheus/alerts.yaml"
	dashboardFile = "../deploy/grafana/dashboard.json"
)

// TestAlertRules runs the rules' own tests.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", alertsFile}, {"test", "rules", "../deploy/prometheus/alerts_test.yaml"}} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestMonitoring has a Prometheus watch postburn by the alert rules and the queries of the
// dashboard: all of them find what they ask for, no alert is up while all is well, and those about
// a bad SLO file and a dead process are when these happen.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	server, env := newGitHub(t)
	s := newStage(t, onlyBurns())
	address := "127.0.0.1:" + freePort(t)
	s.postburn.env = append(append(s.postburn.env, env...), "POSTBURN_LISTEN="+address)
	rules, err := filepath.Abs(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	s.prometheus.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: shop
    static_configs: [{targets: [%q]}]
  - job_name: postburn
    static_configs: [{targets: [%q]}]
`, rules, s.shop.address, address))
	s.start()
	await(t, patience, "GitHub to be asked", func() error {
		if len(server.Requests()) == 0 {
			return errNotYet
		}
		return s.postburn.alive()
	})
	s.verifyMetrics(append(slices.Collect(maps.Values(alertRules(t))), dashboardQueries(t)...))
	for _, query := range dashboardQueries(t) {
		s.prometheus.awaitResult(query)
	}
	s.awaitAlerts(func(up []string) bool { return len(up) == 0 })
	if err := os.WriteFile(s.postburn.path("slos.yaml"), []byte("slos: [{}]"), 0o666); err != nil {
		t.Fatal(err)
	}
	s.awaitAlerts(func(up []string) bool { return slices.Equal(up, []string{"PostburnReloadFailed"}) })
	s.postburn.kill()
	s.awaitAlerts(func(up []string) bool { return slices.Contains(up, "PostburnDown") })
}

// awaitAlerts waits until the alerts that are pending or firing are as they should be. No rule may
// have problems.
func (s *stage) awaitAlerts(want func(up []string) bool) {
	s.t.Helper()
	await(s.t, patience, "the alerts", func() error {
		body, err := get(s.prometheus.url() + "/api/v1/rules")
		if err != nil {
			return err
		}
		var answer struct {
			Data struct {
				Groups []struct {
					Rules []struct{ Name, State, Health, LastError string }
				}
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			s.t.Fatal(err)
		}
		var up []string
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" {
					return fmt.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
				}
				if r.State != "inactive" {
					up = append(up, r.Name)
				}
			}
		}
		if len(answer.Data.Groups) == 0 || !want(up) {
			return fmt.Errorf("pending or firing: %q", up)
		}
		return nil
	})
}

// verifyMetrics compares the metrics that expressions select with those that postburn has, here or
// as a replica.
func (s *stage) verifyMetrics(expressions []string) {
	s.t.Helper()
	body, err := get(s.postburn.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	ofLeases := client.NewRegistry()
	lease.New(lease.Options{Registerer: ofLeases})
	families, err := ofLeases.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		body = append(body, "\n"+f.GetName()...)
	}
	for _, text := range expressions {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			s.t.Errorf("%s: %v", text, err)
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			selector, ok := n.(*parser.VectorSelector)
			if ok && selector.Name != "up" && !bytes.Contains(body, []byte("\n"+selector.Name)) {
				s.t.Errorf("postburn has no %s, which is in %s", selector.Name, text)
			}
			return nil
		})
	}
}

// alertRules are the expressions of the alert rules, by name.
func alertRules(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all[r.Alert] = r.Expr
		}
	}
	return all
}

// dashboardQueries are the dashboard's, as Grafana asks them for all instances.
func dashboardQueries(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$job", ".+", "$instance", ".+", "$__rate_interval", "1m")
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, variables.Replace(target.Expr))
		}
	}
	if len(all) < 20 {
		t.Fatalf("the dashboard has %d queries", len(all))
	}
	return all
}

// TestRunbooks compares the sections of docs/alerts.md with the alerts, whose links point there.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (Postburn\w+)$`).FindAllSubmatch(docs, -1) {
		sections[string(m[1])] = true
	}
	alerts := map[string]bool{}
	for name := range alertRules(t) {
		alerts[name] = true
		if link := "/docs/alerts.md#" + strings.ToLower(name) + "\n"; !bytes.Contains(rules, []byte(link)) {
			t.Errorf("%s has no link to its section", name)
		}
	}
	if diff := cmp.Diff(alerts, sections); diff != "" {
		t.Errorf("sections of docs/alerts.md (-alerts +sections):\n%s", diff)
	}
}
