package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store"
)

// anyLane accepts each lane as one that can be continued.
func anyLane(string, alert.Recovery) error { return nil }

// large is a store of some hundred pages, all in its file and not in the log.
func large(t *testing.T) (s *Store, path string) {
	t.Helper()
	s, path, fence := filled(t)
	for n := 1; n < 100; n++ {
		b := tickBatch(fence, "a", n)
		b.Samples = bytes.Repeat([]byte{byte(n)}, 20_000)
		commit(t, s, b)
	}
	if err := s.Save(t.Context(), issue.Publication{Key: "i", Parts: []issue.Part{{Incident: "i"}}}); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint(t.Context(), s.writer); err != nil {
		t.Fatal(err)
	}
	return s, path
}

func TestCheck(t *testing.T) {
	_, path := large(t) // and open, as a daemon has it
	for name, tc := range map[string]struct {
		damage string
		lane   func(string, alert.Recovery) error
		want   string // empty: fine
	}{
		"fine":                        {"", anyLane, ""},
		"a lane that does not decode": {"", func(string, alert.Recovery) error { return slo.ErrCorrupt }, `lane "a": corrupt encoding`},
		"an incident's document":      {"UPDATE incidents SET doc = '{'", anyLane, `incident "i" can't be decoded`},
		"another incident's document": {"UPDATE incidents SET doc = json_set(doc, '$.revision', 7)", anyLane, `incident "i": its document is of incident "i", revision 7`},
		"a publication's document":    {"UPDATE publications SET doc = ''", anyLane, `publication "i" can't be decoded`},
		"no part of a publication":    {"DELETE FROM publication_incidents", anyLane, `publication "i": its document is of publication "i" with incidents ["i"], and its rows of []`},
		"no publication":              {"DELETE FROM publications", anyLane, "1 rows of publication_incidents refer to rows of publications that are missing"},
		"no lane":                     {"DELETE FROM lanes", anyLane, "100 rows of samples refer to rows of lanes that are missing"},
		"no incident":                 {"DELETE FROM incidents", anyLane, `incident "i" has a publication, and is missing`},
		"no table":                    {"DROP TABLE incidents", anyLane, "the incidents can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copy.db")
			if _, err := Backup(t.Context(), path, copied, false, anyLane); err != nil {
				t.Fatal(err)
			}
			execute(t, copied, "PRAGMA foreign_keys = 0; "+tc.damage)
			before, err := os.ReadFile(copied)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Check(t.Context(), copied, tc.lane)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := strings.Join(r.Wrong, "\n"); tc.want == "" && wrong != "" || !strings.Contains(wrong, tc.want) {
				t.Errorf("found %q, want %q", wrong, tc.want)
			}
			if tc.want == "" && (r.Lanes != 1 || r.Incidents != 1 || r.Publications != 1 || r.Version != r.Newest) {
				t.Errorf("found %+v", r)
			}
			if after, err := os.ReadFile(copied); err != nil || !bytes.Equal(after, before) {
				t.Errorf("the store was changed (%v)", err)
			}
		})
	}
}

// TestDamage overwrites parts of the file and cuts it while it is open. Probe does not see it, Scan
// and Check do.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func(f *os.File, size, samples int64) error{
		"the first page of the samples overwritten": func(f *os.File, _, samples int64) error {
			_, err := f.WriteAt(bytes.Repeat([]byte("garbage "), 512), samples)
			return err
		},
		"the middle zeroed": func(f *os.File, size, _ int64) error {
			_, err := f.WriteAt(make([]byte, size/4), size/2)
			return err
		},
		"cut": func(f *os.File, size, _ int64) error { return f.Truncate(size / 2) },
	} {
		t.Run(name, func(t *testing.T) {
			s, path := large(t)
			if err := s.Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			var page int64
			if err := s.writer.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = 'samples'").Scan(&page); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			info, err := f.Stat()
			if err == nil {
				err = errors.Join(damage(f, info.Size(), (page-1)*4096), f.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, s.Scan(t.Context()), store.Damaged, path, "postburn store check "+path, "restore a backup", "away")
			r, err := Check(t.Context(), path, anyLane)
			if err == nil && len(r.Wrong) == 0 {
				t.Error("nothing wrong was found")
			}
			to := filepath.Join(t.TempDir(), "backup.db")
			if r, err := Backup(t.Context(), path, to, false, anyLane); err == nil && len(r.Wrong) == 0 {
				t.Error("a damaged store was backed up")
			}
			checkFolder(t, filepath.Dir(to))
		})
	}
}

// checkFolder checks that a folder has these files and no other.
func checkFolder(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}

// TestUndecodable reads a document that was overwritten.
func TestUndecodable(t *testing.T) {
	s, path, _ := filled(t)
	execute(t, path, "UPDATE incidents SET doc = '{' || doc")
	_, err := s.OpenIncidents(t.Context())
	wantProblem(t, err, store.Damaged, path, "decoding", "postburn store check")
}

func TestCheckErrors(t *testing.T) {
	folder := t.TempDir()
	for name, tc := range map[string]struct {
		make string // SQL, or other text
		want string
	}{
		"missing": {"", "no such file"},
		"newer":   {"PRAGMA user_version = 9; PRAGMA application_id = 0x5042524e; CREATE TABLE t (x)", "a newer postburn wrote it: its schema has version 9, and this postburn knows versions 1 to 4"},
		"foreign": {"CREATE TABLE t (x)", "not one of postburn"},
		"text":    {"slos: []", "file is not a database"},
	} {
		path := filepath.Join(folder, name)
		if strings.HasSuffix(tc.make, "[]") {
			if err := os.WriteFile(path, bytes.Repeat([]byte(tc.make), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if tc.make != "" {
			execute(t, path, tc.make)
		}
		_, checkErr := Check(t.Context(), path, anyLane)
		_, backupErr := Backup(t.Context(), path, filepath.Join(t.TempDir(), "to"), false, anyLane)
		for _, err := range []error{checkErr, backupErr} {
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: got error %v, want %s and %s", name, err, path, tc.want)
			}
		}
	}
}

// TestBackup copies a store that is written to meanwhile.
func TestBackup(t *testing.T) {
	s, path, fence := filled(t)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() {
		var err error
		for n := 1; ctx.Err() == nil && err == nil; n++ {
			a, b := tickBatch(fence, "a", n), tickBatch(fence, "b", n-1)
			err = s.Commit(t.Context(), []alert.Batch{a, b})
		}
		written <- err
	}()
	folder := t.TempDir()
	to := filepath.Join(folder, "backup.db")
	for n := range 5 {
		// Both lanes are committed together, so that a copy never has one without the other.
		together := map[string]alert.Recovery{}
		_, err := Backup(t.Context(), path, to, n > 0, func(lane string, r alert.Recovery) error { together[lane] = r; return nil })
		if err != nil {
			t.Fatal(err)
		}
		a, b := together["a"].Cursor, together["b"].Cursor
		if n > 0 && b.IsZero() || !b.IsZero() && a.Sub(b) != tickTime(1).Sub(tickTime(0)) {
			t.Errorf("the lanes are at %s and %s", a, b)
		}
		checkFolder(t, folder, "backup.db")
	}
	stop()
	if err := <-written; err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup: %v, %v", info.Mode(), err)
	}
	if _, err := Backup(t.Context(), path, to, false, anyLane); !errors.Is(err, ErrExists) {
		t.Errorf("got error %v for a file that is there", err)
	}
	if _, err := Backup(t.Context(), path, path, true, anyLane); err == nil || !strings.Contains(err.Error(), "the store itself") {
		t.Errorf("got error %v for the store itself", err)
	}
	unwritten := filepath.Join(folder, "unwritten.db")
	r, err := Backup(t.Context(), path, unwritten, false, func(string, alert.Recovery) error { return slo.ErrCorrupt })
	if err != nil || len(r.Wrong) == 0 {
		t.Errorf("found %v, error %v, in a store whose lanes do not decode", r.Wrong, err)
	}
	checkFolder(t, folder, "backup.db")
	if got := content(t, openAt(t, to)); len(got.Incidents) != 1 || got.B.Cursor.IsZero() {
		t.Errorf("the backup has %+v", got)
	}
}

// TestGiveName has a backup's file appear after Backup looked for it.
func TestGiveName(t *testing.T) {
	folder := t.TempDir()
	file, name := filepath.Join(folder, "file"), filepath.Join(folder, "name")
	if err := errors.Join(os.WriteFile(file, []byte("new"), 0o600), os.WriteFile(name, []byte("old"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		overwrite bool
		err       error
		want      string
	}{{false, ErrExists, "old"}, {true, nil, "new"}} {
		if err := giveName(file, name, tc.overwrite); !errors.Is(err, tc.err) {
			t.Errorf("got error %v, want %v", err, tc.err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != tc.want {
			t.Errorf("the file has %q, want %q (%v)", got, tc.want, err)
		}
	}
}
