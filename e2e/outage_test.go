//go:build e2e

package e2e

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
)

// lasting is how long the shop is broken in most tests.
const lasting = 15 * time.Second

func TestOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	f.until(lasting)
	s.repair(f)
	s.verify(f)
	await(t, patience, "the objective to be well", func() error { return s.postburn.state(alert.OK) })
}

func TestPostburnKilled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	// The kills fall into the time when the breach is found and its post-mortem written, the time
	// after that, the time before the end, and the time when the end is found and the post-mortem
	// completed.
	const end = 12 * time.Second
	for _, after := range []time.Duration{2 * time.Second, 7 * time.Second, end, end + 5*time.Second} {
		f.until(after + time.Duration(random.Int64N(int64(4*time.Second))))
		if after >= end && f.off.IsZero() {
			s.repair(f)
		}
		s.postburn.kill()
		pass(time.Duration(random.Int64N(int64(2 * time.Second))))
		s.postburn.start()
	}
	s.verify(f)
}

func TestFaultWithinDowntime(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	s.postburn.kill()
	f := s.breakDown()
	f.until(lasting)
	s.repair(f)
	pass(10 * time.Second)
	s.postburn.start()
	s.verify(f)
}

func TestPrometheusRestarted(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]syscall.Signal{"stopped": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onlyBurns())
			s.start()
			f := s.breakDown()
			s.awaitOpened()
			f.until(6 * time.Second)
			if err := s.prometheus.cmd.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			<-s.prometheus.ended
			await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
			s.prometheus.start()
			await(t, patience, "the objective to be seen again", func() error { return s.postburn.state(alert.Burning) })
			f.until(lasting)
			s.repair(f)
			s.verify(f)
		})
	}
}

func TestPrometheusComesLater(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.postburn.start()
	for range 3 {
		before, err := s.postburn.metric("postburn_reads_failed_total")
		if err != nil {
			t.Fatal(err)
		}
		await(t, patience, "a failed reading", func() error {
			if now, err := s.postburn.metric("postburn_reads_failed_total"); err != nil || now <= before {
				return errNotYet
			}
			return nil
		})
		await(t, patience, "the objective to be blind", func() error { return s.postburn.state(alert.Blind) })
		if _, err := get(s.postburn.url + "/-/ready"); err != nil {
			t.Fatal(err)
		}
	}
	s.shop.traffic()
	s.prometheus.start()
	s.settle()
	f := s.breakDown()
	s.awaitOpened()
	f.until(8 * time.Second)
	s.repair(f)
	s.verify(f)
}
