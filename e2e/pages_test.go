//go:build e2e

package e2e

import (
	_ "embed"
	"encoding/json"
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
	Faint   []string // elements whose text has too little contrast
	Unnamed int      // elements that lack what a screen reader needs
}

// TestPages has Chromium open the pages of a daemon whose shop breaks, and whose Prometheus then dies, with an SLO file that tries to
// run a script.
func TestPages(t *testing.T) {
	t.Parallel()
	const hostile = `</title><script>document.title = "run"</script><img src=x onerror=alert(1)>`
	file := strings.Replace(onlyBurns(), "service: shop", "service: shop\n    description: '"+hostile+strings.Repeat("long", 50)+"'", 1)
	s := newStage(t, file)
	s.postburn.env = append(s.postburn.env, "POSTBURN_EXTERNAL_URL=https://postburn.example/under/")
	s.start()
	sees(t, s.postburn.url+"/", "<title>1 objective ok · postburn</title>", "&lt;script&gt;document.title")
	s.breakDown()
	opened := s.awaitOpened()
	text := s.postburn.postMortems()[opened]
	all, err := s.postburn.incidents()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d incidents, %v", len(all), err)
	}
	page := "incidents/" + all[0].ID
	if want := "](https://postburn.example/under/" + page + ")"; !strings.Contains(text, want) {
		t.Errorf("no link %s in\n%s", want, text)
	}
	sees(t, s.postburn.url+"/", "<title>1 burning of 1 objective · postburn</title>", `href="./`+page+`"`)
	s.prometheus.kill()
	await(t, 20*time.Second, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
	sees(t, s.postburn.url+"/", "<title>1 blind of 1 objective · postburn</title>", "No objective can be read.", "blind now")
	sees(t, s.postburn.url+"/"+page, "<title>burning: shop · postburn</title>", "whether the breach goes on is not known")
	for _, p := range frames(t, s.postburn.url, []string{"", "?q=shop&state=blind", page, "incidents/none"}) {
		p.verify(t)
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

// sees opens a page as it is, and fails where it lacks a part, or where the console says anything.
func sees(t *testing.T, address string, parts ...string) {
	t.Helper()
	document, console := browse(t, address)
	for _, part := range parts {
		if !strings.Contains(document, part) {
			t.Errorf("%s has no %s:\n%s", address, part, document)
		}
	}
	if len(console) > 0 {
		t.Errorf("%s: the console says %q", address, console)
	}
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

// frames has Chromium open pages in frames, under a path as a proxy has them, and returns what was measured. The pages forbid to be framed,
// so the proxy takes that out, and lets the rest of their policy be. With PAGES_PNG=FILE it takes a picture, too.
func frames(t *testing.T, address string, paths []string) []seen {
	t.Helper()
	const under = "/some/path/"
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Del("X-Frame-Options")
		r.Header.Set("Content-Security-Policy", strings.Replace(r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", "", 1))
		return nil
	}
	for i := range paths {
		paths[i] = under + paths[i]
	}
	reports := make(chan []seen, 1)
	mux := http.NewServeMux()
	mux.Handle(under, http.StripPrefix(strings.TrimSuffix(under, "/"), proxy))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(framesPage) })
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
	if file := os.Getenv("PAGES_PNG"); file != "" {
		more = []string{"--screenshot=" + file, "--window-size=1280,40000", "--virtual-time-budget=60000"}
	}
	ended := chromium(t, server.URL, more...)
	var found []seen
	select {
	case found = <-reports:
	case err := <-ended:
		t.Fatalf("chromium ended: %v", err)
	case <-time.After(2 * time.Minute):
		t.Fatal("no report after 2 minutes")
	}
	if len(more) > 0 {
		<-ended
	}
	if len(found) != 4*len(paths) {
		t.Fatalf("%d pages of %d", len(found), 4*len(paths))
	}
	return found
}
