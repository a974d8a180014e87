//go:build e2e

package e2e

import (
	"errors"
	"html"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo/prom/promtest"
)

const exporter = "exports a metric"

// hostileValues are label values that would each do something if left as they are.
var hostileValues = map[string]string{
	"mention":     "@everyone @acme/root &#64;bob \\@bob",
	"reference":   "closes #1, fixes acme/shop#7 GH-3 https://github.com/acme/shop/issues/9 deadbeefcafe",
	"html":        `<img src=x onerror=alert(1)><script>alert(1)</script></details>`,
	"table":       "a | b || c \\| d\n| e | f |",
	"fence":       "```\n```mermaid\ngraph TD; A-->B\n```\n~~~",
	"mermaid":     `"]; click A href "javascript:alert(1)"; %%{init: {"securityLevel": "loose"}}%%`,
	"heading":     "# Facts\n## Analysis\n- [ ] a task\n> quoted\n---\n1. one",
	"link":        "[a](javascript:alert(1)) ![b](https://evil.example/x.png) <https://evil.example> www.evil.example",
	"bidi":        "abc\u202egnp.exe\u2066x\u2069",
	"terminal":    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\u009b31m\r",
	"zero width":  "a\u200bb\u200d\ufeffc\u00ad\U000e0041\ufe0f",
	"marker":      "<!-- postburn end --><!-- postburn v1 key=other group=shop onset=2026-01-01T00:00:00Z -->",
	"frontmatter": "---\ntitle: x\n---",
	"template":    "{{.Summary}}{{template \"facts.md.tmpl\" .}}",
}

// huge is a label value of 64 KiB.
var huge = map[string]string{"64 KiB": strings.Repeat("@all|`<i>#1 ", 64<<10/12), "plain": "/checkout"}

// hostileShop is a Prometheus with a shop whose every label is hostile, and whose requests have all
// failed for a minute. It has data until minutes from now.
func hostileShop(t *testing.T, values map[string]string) *promtest.Server {
	t.Helper()
	server := promtest.Start(t)
	now := time.Now().Truncate(time.Second)
	start, broken, end := now.Add(-6*time.Minute), now.Add(-time.Minute), now.Add(4*time.Minute)
	var samples []promtest.Sample
	good, bad := 1000.0, 10.0
	for at := start; at.Before(end); at = at.Add(time.Second) {
		add := func(value float64, labels map[string]string) {
			labels["job"], labels["instance"] = "shop", "a:80"
			samples = append(samples, promtest.Sample{Labels: labels, Time: at, Value: value})
		}
		if at.Before(broken) {
			good += 10
		} else {
			bad += 10
		}
		add(1, map[string]string{"__name__": "up"})
		add(float64(start.Add(-time.Hour).Unix()), map[string]string{"__name__": "process_start_time_seconds"})
		for _, value := range values {
			add(good, map[string]string{"__name__": "http_requests_total", "code": "200", "path": value, "route": value})
			add(bad, map[string]string{"__name__": "http_requests_total", "code": "500 " + value, "path": value, "route": value})
			version := "1"
			if !at.Before(broken) {
				version = value
			}
			add(1, map[string]string{"__name__": "shop_build_info", "version": version, "name": value})
			if !at.Before(broken) {
				add(1, map[string]string{"__name__": "ALERTS", "alertname": value, "alertstate": "firing", "path": value})
			}
		}
	}
	if err := server.Append(samples...); err != nil {
		t.Fatal(err)
	}
	return server
}

// hostileSLOs is an SLO file as hostile as it can be.
const hostileSLOs = `
slos:
  - name: checkout
    service: '@all | fixes #1 <!-- postburn end -->'
    description: "@all | <script>alert(1)</script> <!-- postburn end --> closes #1 \u202e [x](javascript:alert(1))"
    owner: '@acme/root<b> #1'
    target: 99%
    window: 10m
    group_by: [path]
    indicator:
      ratio:
        bad: http_requests_total{job="shop",code=~"5.*"}
        total: http_requests_total{job="shop"}
    incident:
      burn: [{rate: 5, long: 20s, short: 4s}]
      min_bad_events: 5
      hold: 5s
      budget: false
    evidence: {queries: {'@all | fixes #1 <b>': 'sum by (path) (rate(http_requests_total{job="shop"}[10s]))'}}
    links: {'@all | <b> #1': 'https://wiki.example.org/<script>|)'}
`

// hostileDaemon runs postburn over a hostile shop until there is the issue, and returns its text
// and its incident's page.
func hostileDaemon(t *testing.T, values map[string]string) (p *postburn, text, page string) {
	t.Helper()
	p = newPostburn(t, hostileShop(t, values).URL(), hostileSLOs)
	p.start()
	await(t, patience, "the post-mortem", func() error {
		for _, text = range p.postMortems() {
			return nil
		}
		return errors.Join(errNotYet, p.alive())
	})
	return p, text, p.onlyPage(len(values))
}

// onlyPage is the page of the only incident, which has so many breach windows.
func (p *postburn) onlyPage(windows int) string {
	t := p.t
	t.Helper()
	all, err := p.incidents()
	if err != nil || len(all) != 1 || len(all[0].Windows) != windows {
		t.Fatalf("not one incident with all label sets: %+v, %v", all, err)
	}
	body, err := get(p.url + "/incidents/" + all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// inertPage fails if a page has an element or an address that does something, besides postburn's own
// script.
func inertPage(t *testing.T, page string) {
	t.Helper()
	own, err := os.ReadFile("../web/live.js")
	if err != nil {
		t.Fatal(err)
	}
	page = strings.Replace(page, "<script>"+string(own)+"</script>", "", 1)
	if found := regexp.MustCompile(`(?i)<(script|img|i>|iframe)|href="javascript:`).FindString(page); found != "" {
		t.Errorf("%q is on a page", found)
	}
	visible(t, page)
}

// TestAttackText exports and configures text that would do something at GitHub, in a browser, or in
// a terminal.
func TestAttackText(t *testing.T) {
	t.Parallel()
	p, text, page := hostileDaemon(t, hostileValues)
	list, err := get(p.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	attack(t, exporter, "labels act in the issue", func(t *testing.T) { inertMarkdown(t, text) })
	attack(t, exporter, "labels forge the end of postburn's own text", func(t *testing.T) {
		if n := strings.Count(text, "<!--"); n != 2 {
			t.Errorf("%d HTML comments, want postburn's own two:\n%s", n, text)
		}
	})
	attack(t, exporter, "labels act on the pages", func(t *testing.T) {
		for _, text := range []string{page, string(list)} {
			inertPage(t, text)
		}
	})
	attack(t, exporter, "labels act in the terminal that shows the log", func(t *testing.T) { visible(t, p.output()) })
}

// TestAttackTextFromGitHub merges, releases and deploys under names that would do something in an
// issue.
func TestAttackTextFromGitHub(t *testing.T) {
	t.Parallel()
	server, env := newGitHub(t)
	now := time.Now()
	server.Change(repository, func(r *githubtest.Repository) {
		for n, value := range slices.Sorted(maps.Values(hostileValues)) {
			at := now.Add(-time.Duration(n+2) * time.Minute)
			r.Releases = append(r.Releases, &githubtest.Release{ID: int64(n + 1), Tag: "v" + value, Author: "bob", Created: at, PublishedAt: at})
		}
	})
	for _, value := range slices.Sorted(maps.Values(hostileValues)) {
		server.AddIssue(repository, githubtest.Issue{Title: value, Author: "bob", PullRequest: true, State: "closed", Created: now.Add(-time.Hour), MergedAt: now.Add(-5 * time.Minute), MergedBy: "bob"})
	}
	one := map[string]string{"table": hostileValues["table"], "marker": hostileValues["marker"]}
	p := newPostburn(t, hostileShop(t, one).URL(), strings.Replace(hostileSLOs, "    evidence: {", "    evidence: {repository: "+repository+", ", 1), env...)
	p.start()
	var made githubtest.Issue
	await(t, patience, "the issue", func() error {
		for _, made = range issues(server) {
			if !made.PullRequest {
				return nil
			}
		}
		return errors.Join(errNotYet, p.alive())
	})
	page := p.onlyPage(len(one))
	attack(t, "merges and releases", "titles act in the issue", func(t *testing.T) {
		inertMarkdown(t, made.Body)
		if !strings.Contains(made.Body, "merged") || !strings.Contains(strings.ToLower(made.Body), "release") {
			t.Errorf("what changed is not in the issue:\n%s", made.Body)
		}
	})
	attack(t, "merges and releases", "titles act on the page", func(t *testing.T) {
		inertPage(t, page)
	})
	attack(t, exporter, "labels act in the issue's title", func(t *testing.T) {
		if found := regexp.MustCompile("[@#<>`|]").FindString(made.Title); found != "" || len([]rune(made.Title)) > 256 {
			t.Errorf("%q is in the title %q", found, made.Title)
		}
		visible(t, made.Title)
	})
	attack(t, exporter, "labels forge a marker in the issue", func(t *testing.T) {
		if n := strings.Count(made.Body, "<!--"); n != 1 {
			t.Errorf("%d HTML comments, want postburn's own:\n%s", n, made.Body)
		}
	})
}

// TestAttackHugeText exports labels of 64 KiB.
func TestAttackHugeText(t *testing.T) {
	t.Parallel()
	attack(t, exporter, "labels of 64 KiB fill issue and page", func(t *testing.T) {
		_, text, page := hostileDaemon(t, huge)
		if len(text) > 32<<10 || len(page) > 128<<10 {
			t.Errorf("the issue has %d bytes, the page %d", len(text), len(page))
		}
	})
}

// visible fails the test if a text has what a terminal obeys or nobody sees.
func visible(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != '\t' && r != '\r' && unicode.In(r, unicode.Cc, unicode.Cf) {
			t.Errorf("%U is shown as it is", r)
			return
		}
	}
}

var (
	codeSpan     = regexp.MustCompile("`[^`\n]*`")
	linkTarget   = regexp.MustCompile(`\]\(https?://[^)\s]*\)`)
	activeSource = regexp.MustCompile(`<(?:[A-Za-z/!?][^>\n]*)|!\[`)
	activeText   = regexp.MustCompile(`@[A-Za-z0-9]|(?:^|[^&\\])#[0-9]|GH-[0-9]|https?://|www\.|\b[0-9a-f]{7,40}\b`)
)

// inertMarkdown fails the test if an issue's text does something that postburn did not write.
func inertMarkdown(t *testing.T, text string) {
	t.Helper()
	visible(t, text)
	inFence, fences := false, 0
	columns := 0
	for number, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") || strings.HasPrefix(strings.TrimSpace(line), "~~~") {
			inFence = !inFence
			fences++
			continue
		}
		if inFence {
			if strings.Contains(line, "click") || strings.Count(line, "%%{") != strings.Count(line, `%%{init: {"xyChart": {`) {
				t.Errorf("line %d: the chart has a directive: %s", number+1, line)
			}
			continue
		}
		source := linkTarget.ReplaceAllString(codeSpan.ReplaceAllString(line, ""), "]")
		for _, tag := range activeSource.FindAllString(source, -1) {
			if !regexp.MustCompile(`^<(/?details|/?summary|!-- postburn)`).MatchString(tag) {
				t.Errorf("line %d: HTML %q", number+1, tag)
			}
		}
		// A breaker is an entity, and ends what comes before it.
		if found := activeText.FindString(strings.ReplaceAll(html.UnescapeString(source), "\\", "")); found != "" && !strings.HasPrefix(line, "<!--") {
			t.Errorf("line %d: %q acts in: %.300s", number+1, found, line)
		}
		if strings.HasPrefix(line, "|") {
			n := strings.Count(line, "|") - strings.Count(line, `\|`)
			if columns != 0 && n != columns {
				t.Errorf("line %d has %d column marks, the table %d: %.300s", number+1, n, columns, line)
			}
			columns = n
		} else {
			columns = 0
		}
		if len(line) > 16<<10 {
			t.Errorf("line %d has %d bytes", number+1, len(line))
		}
	}
	queries := strings.Count(text, "\n```promql\n# Error ratio over ")
	if fences != 2+2*queries || queries != strings.Count(text, "```promql") || queries > 5 || inFence {
		t.Errorf("%d code fences, want two of the chart and of each of %d objectives", fences, queries)
	}
	if n := strings.Count("\n"+text, "\n## "); n != 2 {
		t.Errorf("%d headings like ## Facts, want 2", n)
	}
}
