package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// screen is the terminal: a line for each thing that happens, with the time since the beginning and
// who does it.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	began time.Time
}

func (s *screen) say(who, format string, args ...any) {
	since := time.Since(s.began).Round(time.Second)
	s.print(fmt.Sprintf("%2d:%02d  %-9s %s\n", int(since.Minutes()), int(since.Seconds())%60, who, fmt.Sprintf(format, args...)))
}

func (s *screen) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, text) // there is nobody to tell
}

// introduce says what there is, and where. The time that is told begins here.
func (s *stage) introduce() {
	s.screen.began = time.Now()
	s.screen.print(fmt.Sprintf(`A shop promises that 99 %% of its checkouts succeed. It will break. postburn watches it through
Prometheus, and writes the post-mortem. This takes about 40 seconds; Ctrl-C ends it.

Its error budget is the other 1 %% of an hour's checkouts. A burn rate of 1 would spend that in exactly an hour.

  shop            %s
  its promise     %s
  Prometheus      %s
  postburn        %s
  its log         %s
  post-mortems    %s

`,
		s.shop.MetricsURL(), s.path("slos.yaml"), s.prometheus.URL(), s.postburn.url+"/", s.path("postburn.log"), s.path("postmortems")))
}
