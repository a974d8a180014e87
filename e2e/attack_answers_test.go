//go:build e2e

package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const answersForPrometheus = "answers for Prometheus"

// noData is an answer without series.
const noData = `{"status":"success","data":{"resultType":"vector","result":[]}}`

// answers is a Prometheus that answers each query in the same way.
type answers struct {
	*httptest.Server
	asked atomic.Int64
	with  http.HandlerFunc
}

func newAnswers(t *testing.T, text string) *answers {
	t.Helper()
	return newAnswersWith(t, says(http.StatusOK, "application/json", text))
}

func newAnswersWith(t *testing.T, with http.HandlerFunc) *answers {
	t.Helper()
	a := &answers{with: with}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else it is not noticed that the client has gone
		a.asked.Add(1)
		a.with(w, r)
	}))
	t.Cleanup(func() {
		a.CloseClientConnections()
		a.Close()
	})
	return a
}

// awaitAsked waits until so many queries have come.
func (a *answers) awaitAsked(t *testing.T, n int64) {
	t.Helper()
	await(t, patience, "queries", func() error {
		if got := a.asked.Load(); got < n {
			return fmt.Errorf("%d queries", got)
		}
		return nil
	})
}

// peak is the name of the most memory that a process has had.
const peak = "VmHWM"

// memory is how much memory the daemon has, in bytes, by its name in /proc/PID/status.
func (p *postburn) memory(t *testing.T, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s in\n%s", name, status)
	}
	kilobytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// large writes an answer of 61 MiB in good form: series with labels and values.
func large(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
	var piece strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&piece, `{"metric":{"__postburn__":"0/total/0/now","job":"shop","instance":"10.0.0.%d:8080","code":"500"},"value":[1767614400,"%d"]},`, i, i)
	}
	for sent := 0; sent < 61<<20 && r.Context().Err() == nil; sent += piece.Len() {
		if _, err := io.WriteString(w, piece.String()); err != nil {
			return
		}
	}
	fmt.Fprint(w, `{"metric":{},"value":[1767614400,"1"]}]}}`)
}

// TestAttackAnswers has a Prometheus answer with too much, or never end.
func TestAttackAnswers(t *testing.T) {
	t.Parallel()
	trickle := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		for range 200 {
			_, _ = packed.Write(make([]byte, 1<<20))
		}
		_ = packed.Close()
	}
	deep := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Repeat("[", 8<<20))
	}
	text := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"`+strings.Repeat("x", 61<<20)+`"},"value":[1,"1"]}]}}`)
	}
	for _, tc := range []struct {
		tried string
		with  http.HandlerFunc
		log   string // what is said; empty: nothing in this time
	}{
		{"answers 61 MiB", large, "prometheus' answer is too large: it takes more than 32 MiB; select fewer series in "},
		{"answers with a label of 61 MiB", text, "a text in it is longer than 1 MiB"},
		{"answers a byte now and then, for ever", trickle, ""},
		{"answers 200 MiB that are 200 KiB in gzip", bomb, "not the JSON of a query's result"},
		{"answers with 8 million brackets", deep, "not the JSON of a query's result"},
	} {
		attack(t, answersForPrometheus, tc.tried, func(t *testing.T) {
			prometheus := newAnswersWith(t, tc.with)
			p := newPostburn(t, prometheus.URL, onlyBurns())
			p.start()
			prometheus.awaitAsked(t, 1)
			if tc.log != "" {
				await(t, patience, "the error", func() error {
					if p.said(tc.log) == 0 {
						return errNotYet
					}
					return nil
				})
			}
			if _, err := get(p.url + "/-/healthy"); err != nil {
				t.Error(err)
			}
			if most := p.memory(t, peak); most > 128<<20 {
				t.Errorf("it took %d MiB", most>>20)
			}
			if n := p.said("level=WARN", tc.log) + p.said("level=ERROR", tc.log); tc.log != "" && n > 3 {
				t.Errorf("it was said %d times", n)
			}
			if code := p.stop(10 * time.Second); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestAttackSilentGitHub has a GitHub that takes requests and never answers: postburn ends when it
// is told to.
func TestAttackSilentGitHub(t *testing.T) {
	t.Parallel()
	attack(t, "answers for GitHub", "never answers, while postburn is told to stop", func(t *testing.T) {
		github := newAnswersWith(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		p := newPostburn(t, newAnswers(t, noData).URL, onlyBurns(),
			"POSTBURN_GITHUB_REPOSITORY=acme/checkout", "POSTBURN_GITHUB_TOKEN=hunter2", "POSTBURN_GITHUB_URL="+github.URL+"/api/v3/")
		p.start()
		github.awaitAsked(t, 1)
		if code := p.stop(10 * time.Second); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestAttackRedirect has a Prometheus that redirects queries to somebody who wants the password.
func TestAttackRedirect(t *testing.T) {
	t.Parallel()
	attack(t, answersForPrometheus, "redirects to another port, for the password", func(t *testing.T) {
		elsewhere := newAnswers(t, noData)
		prometheus := newAnswersWith(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		})
		p := newPostburn(t, strings.Replace(prometheus.URL, "//", "//me:hunter2@", 1), onlyBurns())
		p.start()
		prometheus.awaitAsked(t, 3)
		await(t, patience, "the error", func() error {
			if p.said("it redirects to "+elsewhere.URL) == 0 {
				return errNotYet
			}
			return nil
		})
		if n := elsewhere.asked.Load(); n != 0 {
			t.Errorf("%d queries went there", n)
		}
		if strings.Contains(p.output(), "hunter2") {
			t.Error("the log shows the password")
		}
	})
}

// TestAttackTerminal has a Prometheus send texts that a terminal would obey.
func TestAttackTerminal(t *testing.T) {
	t.Parallel()
	const evil = `\u001b]0;owned\u0007\u001b[31m\u202egnorw\u009b2J\r`
	prometheus := newAnswersWith(t, says(http.StatusBadRequest, "application/json", `{"status":"error","errorType":"bad_data","error":"`+evil+`"}`))
	clean := func(t *testing.T, text string) {
		t.Helper()
		if !strings.Contains(text, "owned") || !strings.Contains(text, "gnorw") {
			t.Errorf("the error is not in\n%s", text)
		}
		if strings.ContainsAny(text, "\x1b\a\r\u202e\u009b") {
			t.Errorf("what a terminal obeys is in\n%q", text)
		}
	}
	p := newPostburn(t, prometheus.URL, onlyBurns())
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = append(os.Environ(), p.env...)
		out, _ := cmd.CombinedOutput() // it ends with an error
		return string(out)
	}
	const tried = "sends terminal escapes as an error to "
	attack(t, answersForPrometheus, tried+"check", func(t *testing.T) { clean(t, run("check", "--online", p.path("slos.yaml"))) })
	attack(t, answersForPrometheus, tried+"replay", func(t *testing.T) { clean(t, run("replay", "--no-cache", "--since", "5m", p.path("slos.yaml"))) })
	for _, format := range []string{"logfmt", "json"} {
		attack(t, answersForPrometheus, tried+"a log in "+format, func(t *testing.T) {
			p := newPostburn(t, prometheus.URL, onlyBurns(), "POSTBURN_LOG_FORMAT="+format)
			p.process = start(t, p.path("log"), p.env, binary, "run")
			await(t, patience, "the error", func() error {
				if p.said("gnorw") == 0 {
					return errNotYet
				}
				return nil
			})
			clean(t, p.output())
		})
	}
}
