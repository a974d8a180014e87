//go:build e2e

package e2e

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestCheckOnline has a real Prometheus, with the past of a day and an exporter that goes on from
// there, and files beside cmd/postburn's own test: of those that are wrong it is said what is, of
// those that are right nothing is.
func TestCheckOnline(t *testing.T) {
	t.Parallel()
	const folder = "../cmd/postburn/testdata/online/"
	text, err := os.ReadFile(folder + "series.txt")
	if err != nil {
		t.Fatal(err)
	}
	steady, err := promtest.NewSteady(string(text))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now().Truncate(time.Second)
	exporter := httptest.NewServer(steady.Exporter(begun))
	t.Cleanup(exporter.Close)
	p := newPrometheus(t, "")
	p.configure(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: exporter
    honor_labels: true
    static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(exporter.URL, "http://")))
	if err := promtest.WriteBlock(filepath.Join(p.dir, "data"), steady.Samples(begun, 24*time.Hour, time.Minute)...); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.awaitResult(`{job="exporter",__name__="up"}`)
	p.awaitMetadata("http_requests_total")
	want, err := os.ReadFile(folder + "wrong.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("wrong", func(t *testing.T) {
		said := ""
		for _, name := range writeArchive(t, folder+"wrong.txtar") { // one by one: an error keeps the others from being asked about
			_, problems, err := online(p.url(), name)
			if err != nil && problems == "" {
				t.Errorf("%s: %v", name, err)
			}
			for line := range strings.Lines(problems) {
				if !strings.HasPrefix(line, "postburn: found ") {
					said += strings.TrimPrefix(line, filepath.Dir(name)+"/")
				}
			}
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(said, "\n")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("right", func(t *testing.T) {
		files := writeArchive(t, folder+"right.txtar")
		if out, problems, err := online(p.url(), filepath.Dir(files[0])); err != nil || problems != "" {
			t.Errorf("%v\n%s%s", err, out, problems)
		}
	})
	t.Run("examples", func(t *testing.T) {
		if out, problems, err := online(p.url(), "../examples"); err != nil || problems != "" {
			t.Errorf("%v\n%s%s", err, out, problems)
		}
	})
}

// writeArchive writes the files of an archive into a folder, and returns their names.
func writeArchive(t *testing.T, archive string) (names []string) {
	t.Helper()
	all, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range all.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// awaitMetadata waits until the server knows the type of a metric.
func (p *prometheus) awaitMetadata(metric string) {
	p.t.Helper()
	await(p.t, 30*time.Second, "the type of "+metric, func() error {
		answer, err := get(p.url() + "/api/v1/metadata?metric=" + metric)
		if err == nil && !strings.Contains(string(answer), `"type"`) {
			err = errNotYet
		}
		return err
	})
}
