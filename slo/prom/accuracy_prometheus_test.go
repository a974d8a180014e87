package prom_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/util/compression"

	"github.com/postburn/postburn/slo/prom/promtest"
)

// program is the Prometheus or VictoriaMetrics that holds the worlds; empty: promtest does, so that
// the tests need nothing but Go.
func program() string { return os.Getenv("ACCURACY_PROMETHEUS") }

// isVictoriaMetrics asks the program itself.
var isVictoriaMetrics = sync.OnceValue(func() bool {
	if program() == "" {
		return false
	}
	text, err := exec.Command(program(), "--version").CombinedOutput()
	return err == nil && strings.HasPrefix(string(text), "victoria-metrics")
})

// holding starts a server that holds samples, and returns its URL.
func holding(t *testing.T, samples []promtest.Sample) string {
	t.Helper()
	if program() == "" || isVictoriaMetrics() {
		url, write := receiving(t)
		if err := write(samples...); err != nil {
			t.Fatal(err)
		}
		return url
	}
	dir := t.TempDir()
	if err := promtest.WriteBlock(filepath.Join(dir, "data"), samples...); err != nil {
		t.Fatal(err)
	}
	return startPrometheus(t, dir)
}

// receiving starts an empty server, and returns its URL and a function that writes samples to it. A
// series' samples have to come in order.
func receiving(t *testing.T) (url string, write func(...promtest.Sample) error) {
	t.Helper()
	switch {
	case program() == "":
		server := promtest.Start(t)
		return server.URL(), server.Append
	case isVictoriaMetrics():
		url = startVictoriaMetrics(t)
		return url, func(samples ...promtest.Sample) error { return importInto(url, samples) }
	}
	url = startPrometheus(t, t.TempDir(), "--web.enable-remote-write-receiver")
	return url, func(samples ...promtest.Sample) error { return remoteWrite(url, samples) }
}

// startPrometheus runs the program on the TSDB in a folder until the test ends. It scrapes nothing.
func startPrometheus(t *testing.T, dir string, flags ...string) (url string) {
	t.Helper()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	listening := regexp.MustCompile(`msg="Listening on".* address=(\S+)`)
	return startProgram(t, filepath.Join(dir, "prometheus.log"), listening, "/-/ready", append(flags, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0")...)
}

// startVictoriaMetrics runs the program on an empty folder until the test ends. It scrapes nothing.
func startVictoriaMetrics(t *testing.T) (url string) {
	t.Helper()
	dir := t.TempDir()
	listening := regexp.MustCompile(`started server at http://([^/]+)/`)
	return startProgram(t, filepath.Join(dir, "victoriametrics.log"), listening, "/health", "-storageDataPath="+filepath.Join(dir, "data"),
		"-retentionPeriod=100y", "-httpListenAddr=127.0.0.1:0", "-memory.allowedBytes=256MB")
}

// startProgram runs the program until the test ends. It waits until the program's log has its
// address, and a page says that it is ready.
func startProgram(t *testing.T, log string, listening *regexp.Regexp, page string, flags ...string) (url string) {
	t.Helper()
	output, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd := exec.Command(program(), flags...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if m := listening.FindSubmatch(text); m != nil && answers("http://"+string(m[1])+page) {
			return "http://" + string(m[1])
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", program(), text)
		default:
		}
	}
	t.Fatalf("%s is not ready after a minute", program())
	return ""
}

// importInto sends samples to VictoriaMetrics, in parts that it accepts, and makes queries find
// them.
func importInto(url string, samples []promtest.Sample) error {
	for part := range slices.Chunk(samples, 50_000) {
		if err := remoteWrite(url, part); err != nil {
			return err
		}
	}
	if !answers(url + "/internal/force_flush") {
		return errors.New("VictoriaMetrics does not flush")
	}
	return nil
}

func answers(url string) bool {
	answer, err := http.Get(url)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// remoteWrite sends samples as another Prometheus would.
func remoteWrite(url string, samples []promtest.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	body, err := compression.Encode(compression.Snappy, writeRequest(samples), nil)
	if err != nil {
		return err
	}
	post, err := http.NewRequest(http.MethodPost, url+"/api/v1/write", bytes.NewReader(body))
	if err != nil {
		return err
	}
	post.Header.Set("Content-Encoding", "snappy")
	post.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := http.DefaultClient.Do(post)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(answer.Body) // for the error
		return fmt.Errorf("writing %d samples: %s: %s", len(samples), answer.Status, text)
	}
	return nil
}

// writeRequest encodes samples that have numbers as a WriteRequest of remote write 1.0, in protocol
// buffers: TimeSeries timeseries = 1, of Label{string name = 1, value = 2} labels = 1 and
// Sample{double value = 1; int64 timestamp = 2} samples = 2.
func writeRequest(samples []promtest.Sample) (request []byte) {
	field := func(to []byte, number byte, content []byte) []byte {
		to = append(to, number<<3|2) // with its length
		return append(binary.AppendUvarint(to, uint64(len(content))), content...)
	}
	for _, s := range samples {
		var series []byte
		for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
			series = field(series, 1, field(field(nil, 1, []byte(name)), 2, []byte(s.Labels[name])))
		}
		value := append(binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, math.Float64bits(s.Value)), 2<<3)
		series = field(series, 2, binary.AppendUvarint(value, uint64(s.Time.UnixMilli())))
		request = field(request, 1, series)
	}
	return request
}
