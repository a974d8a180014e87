package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postburn/postburn/issue"
)

func TestChangeStartsAgainWhereAPersonSavedMeanwhile(t *testing.T) {
	for name, tc := range map[string]struct {
		saves   int // how often a person saves before postburn writes
		want    string
		wantErr error
	}{
		"never":      {0, "text postburn", nil},
		"nine times": {9, "text" + strings.Repeat(" person", 9) + " postburn", nil},
		"ten times":  {10, "text" + strings.Repeat(" person", 10), issue.ErrRefused},
		"twice":      {2, "text person person postburn", nil},
		"always":     {1000, "", issue.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, err := New(t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			root, err := tracker.open()
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			path := filepath.Join(tracker.dir, "a.md")
			if err := os.WriteFile(path, []byte("text"), 0o640); err != nil {
				t.Fatal(err)
			}
			saves := 0
			err = change(t.Context(), root, "a.md", func(content []byte) ([]byte, error) {
				if saves < tc.saves {
					saves++
					if err := os.WriteFile(path, append(content, " person"...), 0o640); err != nil {
						t.Fatal(err)
					}
				}
				return append(content[:len(content):len(content)], " postburn"...), nil
			})
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("got %v, want %v", err, tc.wantErr)
			}
			if tc.wantErr != nil {
				return
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != tc.want {
				t.Errorf("the file is %q, %v, want %q", got, err, tc.want)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("the file's mode is %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestFileName(t *testing.T) {
	if got, want := fileName("checkout-20261014t104100z"), "checkout-20261014t104100z.md"; got != want {
		t.Errorf("an incident's ID makes the name %q, want %q", got, want)
	}
	for length, whole := range map[int]bool{150: true, 151: false} {
		key := strings.Repeat("k", length)
		if got := fileName(key); (got == key+extension) != whole || !strings.HasPrefix(got, strings.Repeat("k", 150)) {
			t.Errorf("a key of %d characters makes the name %q", length, got)
		}
	}
	seen := map[string]string{}
	for _, key := range []string{"../../etc/passwd", "etc-passwd", "..", ".", "", "-", ".hidden", "a/b", "a\\b", "a\x00b", "A", "a", "é", strings.Repeat("k", 400)} {
		got := fileName(key)
		if strings.ContainsAny(got, "/\\\x00") || got[0] == '.' || filepath.Ext(got) != extension || len(got) > 200 {
			t.Errorf("fileName(%q) = %q is not safe", key, got)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q have the same file name %q", key, other, got)
		}
		seen[got] = key
	}
}
