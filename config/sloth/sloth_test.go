package sloth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign/foreigntest"
)

// TestDocuments has a document, or a folder of them, for each rule of the reader.
func TestDocuments(t *testing.T) { foreigntest.Documents(t, Format()) }

func FuzzDocuments(f *testing.F) { foreigntest.Fuzz(f, Format()) }

// TestHostileFiles reads what is made to take for ever.
func TestHostileFiles(t *testing.T) {
	query := strings.Repeat("sum(rate(x_total[{{.window}}])) + ", 5) + "sum(rate(x_total[{{.window}}]))"
	bomb := "b0: &b0 {name: x}\n"
	for i := 1; i < 40; i++ {
		bomb += fmt.Sprintf("b%d: &b%d {<<: [*b%d, *b%d]}\n", i, i, i-1, i-1)
	}
	for name, doc := range map[string]string{
		"one slo many times": "version: prometheus/v1\nservice: s\nslos:\n- &a {name: a, objective: 99, sli: {events: {error_query: '" + query +
			"', total_query: '" + query + "'}}}\n" + strings.Repeat("- *a\n", 5_000),
		"merges that double":  bomb + "version: prometheus/v1\nservice: s\nslos: [*b39]\n",
		"a list in itself":    "version: prometheus/v1\nservice: s\nslos: &a [*a]\n",
		"items in themselves": "&a\n- *a\n- {version: prometheus/v1}\n",
		"many documents":      strings.Repeat("{version: prometheus/v1, service: s, slos: []}\n---\n", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.yaml")
			if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, problems := config.Load([]string{file}, Format()); !config.Failed(problems) {
				t.Error("no errors")
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}
