package githubtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is what goes wrong with a request. Zero: nothing.
type Fault struct {
	Acts    bool          // GitHub does what was asked, whatever it answers
	Late    time.Duration // it does so after this time, and never answers
	Lost    bool          // the connection breaks before the answer
	Hangs   bool          // there is no answer until the client gives up
	Answer  int           // the status to answer instead
	Message string
	Page    string // HTML to answer instead of JSON
	About   string // address of documentation
	Header  map[string]string
}

// Faults without an answer, or with one that does not say whether GitHub acted.
var (
	LostBefore = func() Fault { return Fault{Lost: true} }
	LostAfter  = func() Fault { return Fault{Lost: true, Acts: true} }
	Hangs      = func() Fault { return Fault{Hangs: true} }
)

// ActsLate makes a request take effect late, after its sender gave up.
func ActsLate(after time.Duration) Fault { return Fault{Late: after} }

// Fails answers with a status, whether or not GitHub acted.
func Fails(status int, acts bool) Fault {
	return Fault{Answer: status, Acts: acts, Message: http.StatusText(status)}
}

// WebPage is an answer from something other than GitHub's API, for example a proxy or a login page.
func WebPage(status int, title string) Fault {
	return Fault{Answer: status, Page: "<!DOCTYPE html>\n<html><head><title>" + title + "</title></head><body>\n" + strings.Repeat("<p>…</p>\n", 1000) + "</body></html>"}
}

// PrimaryLimit is the answer once the hour's requests are used up, 403 or 429.
func PrimaryLimit(status int, reset time.Time) Fault {
	return Fault{
		Answer: status, Message: "API rate limit exceeded for user ID 1.",
		About: "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
		Header: map[string]string{
			"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(reset.Unix(), 10),
		},
	}
}

// SecondaryLimit is the answer to asking too quickly, 403 or 429. It names a time to wait unless
// that is zero.
func SecondaryLimit(status int, retryAfter time.Duration) Fault {
	f := Fault{
		Answer: status, Message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		About: "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
		Header: map[string]string{
			"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4000",
			"X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(40*time.Minute).Unix(), 10),
		},
	}
	if retryAfter > 0 {
		f.Header["Retry-After"] = strconv.Itoa(int(retryAfter / time.Second))
	}
	return f
}

func (f Fault) answer() *http.Response {
	content, err := json.Marshal(map[string]string{"message": f.Message, "documentation_url": f.About})
	if err != nil {
		panic(err)
	}
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	if f.Page != "" {
		content = []byte(f.Page)
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	for name, value := range f.Header {
		h.Set(name, value)
	}
	return &http.Response{StatusCode: f.Answer, Header: h, Body: io.NopCloser(bytes.NewReader(content))}
}
