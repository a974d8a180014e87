//go:build e2e

package e2e

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
)

// framesTimeout is how long Chromium may take to measure all pages of a test.
const framesTimeout = 5 * time.Minute

//go:embed pages.html
var framesPage []byte

// seen is what a browser made of a page.
type seen struct {
	Path, Scheme, Title, Background string
	Width, Needed                   int // pixels
	Links                           []struct {
		Address string
		Status  int
	}
	Broken    []string // what axe-core finds that is serious or worse
	Elsewhere []string // addresses on other hosts that were asked for
	Faint     []string // elements whose text has too little contrast
	Unnamed   int      // elements that lack what a screen reader needs
}

// TestPages opens a daemon's pages in Chromium while its shop breaks and then its Prometheus dies.
// The SLO file tries to run a script.
func TestPages(t *testing.T) {
	t.Parallel()
	const hostile = `</title><script>document.title = "run"</script><img src=x onerror=alert(1)>`
	file := strings.Replace(onlyBurns(), "service: shop", "service: shop\n    description: '"+hostile+strings.Repeat("long", 50)+"'", 1)
	s := newStage(t, file)
	s.postburn.env = append(s.postburn.env, "POSTBURN_EXTERNAL_URL=https://postburn.example/under/")
	s.start()
	sees(t, s.postburn.url+"/", "<title>1 objective ok · postburn</title>", "&lt;script&gt;document.title")
	opened := s.pageThatWasOpened("/")
	s.breakDown()
	written := s.awaitOpened()
	text := s.postburn.postMortems()[written]
	all, err := s.postburn.incidents()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d incidents, %v", len(all), err)
	}
	sees(t, s.postburn.url+"/report?since=7d", "<h3><bdi>shop</bdi></h3>", "1 incident: ", `<bdi>checkout</bdi><svg class="strip"`, "not known before ")
	page := "incidents/" + all[0].ID
	if want := "](https://postburn.example/under/" + page + ")"; !strings.Contains(text, want) {
		t.Errorf("no link %s in\n%s", want, text)
	}
	sees(t, s.postburn.url+"/", "<title>1 burning of 1 objective · postburn</title>", `href="./`+page+`"`)
	opened.renewsItself(t, "<title>1 burning of 1 objective · postburn</title>")
	name := all[0].Windows[0].SLO
	sees(t, s.postburn.url+"/slos/"+name, "<title>burning: "+name+" · postburn</title>", "fires", "The share of bad events from")
	s.prometheus.kill()
	await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	sees(t, s.postburn.url+"/", "<title>1 blind of 1 objective · postburn</title>", "No objective can be read.", "blind now")
	sees(t, s.postburn.url+"/"+page, "<title>burning: shop · postburn</title>", "nobody knows whether the breach is over")
	for _, p := range frames(t, s.postburn.url, []string{"", "?q=shop&state=blind", page, "incidents/none", "slos/" + name, "slos/" + name + "?range=1h", "slos/none", "status", "report", "report?since=30d"}) {
		p.verify(t)
	}
}

// openPage is a page as a browser got it a while ago.
type openPage struct {
	document []byte
	policy   string
	current  *httputil.ReverseProxy
}

func (s *stage) pageThatWasOpened(path string) openPage {
	s.t.Helper()
	answer, err := http.Get(s.postburn.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	document, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	target, err := url.Parse(s.postburn.url)
	if err != nil {
		s.t.Fatal(err)
	}
	return openPage{document, answer.Header.Get("Content-Security-Policy"), httputil.NewSingleHostReverseProxy(target)}
}

// renewsItself leaves the page open for a minute of a browser's own time, and looks for what is
// there only now. Then it does so while postburn does not answer.
func (p openPage) renewsItself(t *testing.T, now string) {
	t.Helper()
	for _, tc := range []struct {
		then http.Handler
		want string
	}{{p.current, now}, {http.NotFoundHandler(), `role="status">postburn does not answer`}} {
		first := true
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !first || r.URL.Path != "/" {
				tc.then.ServeHTTP(w, r)
				return
			}
			first = false
			w.Header().Set("Content-Security-Policy", p.policy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(p.document)
		}))
		t.Cleanup(server.Close)
		document, console := browse(t, server.URL, "--virtual-time-budget=60000")
		if !strings.Contains(document, tc.want) {
			t.Errorf("%s is not in\n%s\nand the console says %q", tc.want, document, console)
		}
	}
}

// TestPagesBlocked shows that what a page's policy blocks is found out.
func TestPagesBlocked(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		_, _ = w.Write([]byte(`<!doctype html><p style="color: red">blocked`))
	}))
	t.Cleanup(server.Close)
	if _, console := browse(t, server.URL); len(console) != 1 || !strings.Contains(console[0], "Content Security Policy") {
		t.Errorf("the console says %q", console)
	}
}

// sees opens a page again and again until it has all parts. It fails if the console says anything.
func sees(t *testing.T, address string, parts ...string) {
	t.Helper()
	await(t, patience, address, func() error {
		document, console := browse(t, address)
		if len(console) > 0 {
			t.Errorf("%s: the console says %q", address, console)
		}
		for _, part := range parts {
			if !strings.Contains(document, part) {
				return fmt.Errorf("%s is not in\n%s", part, document)
			}
		}
		return nil
	})
}

func (p seen) verify(t *testing.T) {
	t.Helper()
	what := p.Scheme + " " + p.Path
	if p.Needed > p.Width {
		t.Errorf("%s needs %d pixels of %d", what, p.Needed, p.Width)
	}
	if light := p.Background == "rgb(255, 255, 255)"; light != (p.Scheme == "light") {
		t.Errorf("%s is on %s", what, p.Background)
	}
	if len(p.Faint) > 0 {
		t.Errorf("%s has text that can hardly be read: %q", what, p.Faint)
	}
	if len(p.Broken) > 0 {
		t.Errorf("%s has parts that not everybody can use: %q", what, p.Broken)
	}
	if len(p.Elsewhere) > 0 {
		t.Errorf("%s asks other hosts: %q", what, p.Elsewhere)
	}
	if p.Unnamed > 0 {
		t.Errorf("%s has %d elements without a name or scope", what, p.Unnamed)
	}
	for _, link := range p.Links {
		if link.Status != http.StatusOK {
			t.Errorf("%s links to %s: %d", what, link.Address, link.Status)
		}
	}
	if len(p.Links) < 3 {
		t.Errorf("%s has only %d links", what, len(p.Links))
	}
}

// frames has Chromium open pages in frames, under a path as a proxy has them, and returns what it
// measured. The proxy drops what forbids frames, lets axe-core
// in, and leaves the rest of the pages' policy. With
// PAGES_PNG=FILE it takes a picture, too.
func frames(t *testing.T, address string, paths []string) []seen {
	t.Helper()
	const under = "/some/path/"
	axe, err := os.ReadFile(cached(t, "axe-*.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(axe)
	trusted := "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Del("X-Frame-Options")
		policy := strings.Replace(r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", "", 1)
		r.Header.Set("Content-Security-Policy", strings.Replace(policy, "script-src ", "script-src "+trusted+" ", 1))
		return nil
	}
	for i := range paths {
		paths[i] = under + paths[i]
	}
	reports := make(chan []seen, 1)
	mux := http.NewServeMux()
	mux.Handle(under, http.StripPrefix(strings.TrimSuffix(under, "/"), proxy))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(framesPage) })
	mux.HandleFunc("GET /axe.js", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(axe) })
	mux.HandleFunc("GET /paths.json", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(paths) })
	mux.HandleFunc("POST /found", func(_ http.ResponseWriter, r *http.Request) {
		var found []seen
		if err := json.NewDecoder(r.Body).Decode(&found); err != nil {
			t.Errorf("reading the report: %v", err)
		}
		select {
		case reports <- found:
		default:
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	var more []string
	address = server.URL
	if file := os.Getenv("PAGES_PNG"); file != "" {
		more = []string{"--screenshot=" + file, "--window-size=1280,40000", "--virtual-time-budget=60000"}
		address += "#keep"
	}
	said, ended := chromium(t, address, more...)
	var found []seen
	select {
	case found = <-reports:
	case err := <-ended:
		t.Fatalf("chromium ended: %v", err)
	case <-time.After(framesTimeout):
		t.Fatalf("no report after %v; the console says %q", framesTimeout, said.lines())
	}
	if len(more) > 0 {
		<-ended
	}
	if len(found) != 4*len(paths) {
		t.Fatalf("%d pages of %d", len(found), 4*len(paths))
	}
	return found
}
