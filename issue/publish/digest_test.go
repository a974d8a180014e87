package publish_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDigest(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * day)
		old := []story{
			at("a", -19*day, time.Hour), at("b", -12*day, time.Hour), at("c", -8*day, time.Hour), at("recent", -6*day, time.Hour),
		}
		alone := at("alone", -9*day, time.Hour)
		alone.repository = "acme/other"
		r := newRun(append(old, alone)...)
		begin := time.Now()
		var created []time.Duration
		r.forge.fault = func(op string) fault {
			if strings.HasPrefix(op, "create") {
				created = append(created, time.Since(begin))
			}
			return none
		}
		// meanwhile
		turnsUp := func() { r.stories = append(r.stories, at("d", -10*day, time.Hour)) }
		r.until(t, 20*time.Minute, map[time.Duration]func(){3 * time.Minute: turnsUp})
		if diff := cmp.Diff([]string{"a-1", "alone-1", "recent-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
		if body := r.forge.body(t, "a-1"); !strings.HasPrefix(body, "opening of a digest, 0 open") || !strings.HasSuffix(body, ": a b d c") {
			t.Errorf("the digest is %q", body)
		}
		if len(r.forge.keys()) != 3 {
			t.Errorf("texts: %v", r.forge.keys())
		}
		if created[0] > time.Minute {
			t.Errorf("the one that is not old waits for %s", created[0])
		}
	})
}
