//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const reachesThePort = "reaches the port"

// TestAttackDescriptors has 80 clients hold connections of a daemon that may have 64 file
// descriptors, while what it watches fails.
func TestAttackDescriptors(t *testing.T) {
	t.Parallel()
	attack(t, reachesThePort, "holds 80 connections of a daemon with 64 file descriptors during an outage", func(t *testing.T) {
		s := newStage(t, onlyBurns())
		s.shop.traffic()
		s.prometheus.start()
		s.postburn.start("sh", "-c", `ulimit -n 64 && exec "$@"`, "sh")
		s.settle()
		for range 80 {
			hold(t, s.postburn.url, "")
		}
		f := s.breakDown()
		s.awaitOpened()
		s.repair(f)
		if _, err := get(s.postburn.url + "/"); err != nil {
			t.Errorf("the page: %v", err)
		}
		if n := s.postburn.said("level=ERROR"); n != 0 {
			t.Errorf("%d errors", n)
		}
	})
}

// TestAttackFlood has clients hold what they can of a daemon's port.
func TestAttackFlood(t *testing.T) {
	t.Parallel()
	prometheus := newAnswers(t, noData)
	start := func(t *testing.T) *postburn {
		p := newPostburn(t, prometheus.URL, onlyBurns(), "POSTBURN_PROBE_LISTEN=127.0.0.1:0")
		p.start()
		return p
	}
	answers := func(t *testing.T, p *postburn) {
		t.Helper()
		for _, url := range []string{p.url + "/metrics", p.url + "/-/healthy", p.url + "/-/ready", p.probes(t) + "/-/ready"} {
			began := time.Now()
			if _, err := get(url); err != nil || time.Since(began) > 5*time.Second {
				t.Errorf("%s: %v after %s", url, err, time.Since(began))
			}
		}
	}
	attack(t, reachesThePort, "opens 10,000 connections", func(t *testing.T) {
		p := start(t)
		before := p.memory(t, peak)
		for range 10_000 {
			hold(t, p.url, "")
		}
		answers(t, p)
		if grown := p.memory(t, peak) - before; grown > 32<<20 {
			t.Errorf("they took %d MiB", grown>>20)
		}
	})
	attack(t, reachesThePort, "sends 1,000 headers that never end", func(t *testing.T) {
		p := start(t)
		for range 1000 {
			hold(t, p.url, "GET / HTTP/1.1\r\nHost: x\r\nX: ")
		}
		answers(t, p)
	})
	attack(t, reachesThePort, "asks 500 times for answers and takes none", func(t *testing.T) {
		p := start(t)
		for range 500 {
			hold(t, p.url, strings.Repeat("GET /api/v1/slos HTTP/1.1\r\nHost: x\r\n\r\n", 50))
		}
		answers(t, p)
	})
	attack(t, reachesThePort, "asks for probes' port alone and gets more", func(t *testing.T) {
		p := start(t)
		for _, path := range []string{"/", "/metrics", "/api/v1/incidents", "/-/reload", "/debug/pprof/"} {
			if body, err := get(p.probes(t) + path); err == nil || !strings.Contains(err.Error(), "404") {
				t.Errorf("%s: %v %s", path, err, body)
			}
		}
	})
}

// TestAttackCrossSite has a browser send what a page of somebody else tells it to.
func TestAttackCrossSite(t *testing.T) {
	t.Parallel()
	p := newPostburn(t, newAnswers(t, noData).URL, onlyBurns())
	p.start()
	reload := func(t *testing.T, host string, header ...string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/-/reload", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			request.Host = host
		}
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	const leads = "leads a browser to their page"
	attack(t, leads, "has it post to /-/reload", func(t *testing.T) {
		if code := reload(t, "", "Origin", "http://evil.example"); code != http.StatusForbidden {
			t.Errorf("status %d", code)
		}
		if code := reload(t, "", "Sec-Fetch-Site", "cross-site"); code != http.StatusForbidden {
			t.Errorf("status %d", code)
		}
	})
	attack(t, leads, "has it post to /-/reload by a name that resolves to postburn", func(t *testing.T) {
		if code := reload(t, "evil.example:9847", "Origin", "http://evil.example:9847"); code != http.StatusForbidden {
			t.Errorf("status %d", code)
		}
	})
	if code := reload(t, ""); code != http.StatusOK {
		t.Errorf("without a browser: status %d", code)
	}
	if n := p.said("reloaded the SLO files"); n != 1 {
		t.Errorf("reloaded %d times", n)
	}
}

// TestAttackPassword asks a daemon with TLS and a password, without it. Its probes are answered on
// their own port, as a kubelet asks.
func TestAttackPassword(t *testing.T) {
	t.Parallel()
	attack(t, reachesThePort, "asks without the password; probes need none", func(t *testing.T) {
		p := newPostburn(t, newAnswers(t, noData).URL, onlyBurns(), "POSTBURN_PROBE_LISTEN=127.0.0.1:0")
		writeCertificate(t, p.path("cert.pem"), p.path("key.pem"))
		// The password is "open sesame".
		config := fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\nbasic_auth_users: {people: %s}\n", p.path("cert.pem"), p.path("key.pem"),
			"$2a$04$T.DVc15XCM.WifOuIrEsIe3xRr.nCY9iTiyJZsQ32Oe2JLODnFlCy")
		if err := os.WriteFile(p.path("web.yaml"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		p.process = start(t, p.path("log"), append(p.env, "POSTBURN_WEB_CONFIG_FILE="+p.path("web.yaml")), binary, "run")
		await(t, patience, "probes to be answered", func() error {
			if probing.FindString(p.output()) == "" {
				return errNotYet
			}
			_, err := get(p.probes(t) + "/-/ready")
			return err
		})
		url := "https://" + listening.FindStringSubmatch(p.output())[1]
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		for _, tc := range []struct {
			path, password string
			want           int
		}{
			{"/", "", 401}, {"/metrics", "", 401}, {"/-/ready", "", 401}, {"/", "hunter2", 401}, {"/", "open sesame", 200}, {"/-/ready", "open sesame", 200},
		} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tc.password != "" {
				request.SetBasicAuth("people", tc.password)
			}
			resp, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tc.want {
				t.Errorf("%s with %q: %d, want %d", tc.path, tc.password, resp.StatusCode, tc.want)
			}
		}
		// What is wrong with the file later on is told without its values.
		if err := os.WriteFile(p.path("web.yaml"), []byte("basic_auth_users: hunter2"), 0o600); err != nil {
			t.Fatal(err)
		}
		await(t, patience, "the file to be refused", func() error {
			if resp, err := client.Get(url); err == nil {
				_ = resp.Body.Close()
			}
			if p.said("level=ERROR", "a value of the wrong kind") == 0 {
				return errNotYet
			}
			return nil
		})
		if strings.Contains(p.output(), "hunter2") {
			t.Error("the log shows a value")
		}
		if code := p.stop(10 * time.Second); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

var probing = regexp.MustCompile(`msg="listening for probes" address=(\S+)`)

// probes is where probes alone are answered.
func (p *postburn) probes(t *testing.T) string {
	t.Helper()
	found := probing.FindStringSubmatch(p.output())
	if found == nil {
		t.Fatalf("no address of probes:\n%s", p.output())
	}
	return "http://" + found[1]
}

// hold opens a connection, sends something, and keeps the connection for as long as the test lasts.
func hold(t *testing.T, url, text string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, text) // it may have been closed already
}

// writeCertificate writes a certificate for this test.
func writeCertificate(t *testing.T, certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
