package samplecache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
)

// TestDamage changes single bytes of a file, or cuts it: what it held is read again, and is right.
func TestDamage(t *testing.T) {
	s, dir := &server{}, t.TempDir()
	o := Options{Dir: dir, Source: s.read, Now: zero.Add(24 * time.Hour)}
	c := New(o)
	want := readOne(t, c.Read, grouped, ticksFrom(0, 100))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(found) != 1 {
		t.Fatalf("files %v", found)
	}
	fine, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	damages := map[string][]byte{"empty": {}, "cut": fine[:len(fine)-1], "longer": append(append([]byte{}, fine...), 0)}
	for i := 0; i < len(fine); i += 31 {
		changed := append([]byte{}, fine...)
		changed[i] ^= 0x10
		damages[fmt.Sprintf("byte %d", i)] = changed
	}
	for name, content := range damages {
		if err := os.WriteFile(found[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		again := New(o)
		if diff := diffReadings(want, readOne(t, again.Read, grouped, ticksFrom(0, 100))); diff != "" || again.Asked() != 100 {
			t.Fatalf("%s: asked for %d ticks (-want +got):\n%s", name, again.Asked(), diff)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if now, err := os.ReadFile(found[0]); err != nil || string(now) != string(fine) {
			t.Fatalf("%s: the file was not replaced: %v", name, err)
		}
	}
}

// FuzzDecode gives the decoder anything: it returns an entry that can be written again, or an
// error.
func FuzzDecode(f *testing.F) {
	s := &server{}
	c := New(Options{Source: s.read})
	e := newEntry("key")
	e.put(c.Source(context.Background(), []slo.Objective{grouped}, ticksFrom(0, 50))[0], ticksFrom(0, 50))
	f.Add(encode(e)[32:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decode("key", sealed(body))
		if err != nil {
			return
		}
		if _, err := decode("key", encode(e)); err != nil {
			t.Errorf("what was read can't be read again: %v", err)
		}
	})
}
