package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/local"
	"github.com/postburn/postburn/issue/trackertest"
)

func open(t *testing.T) (*local.Tracker, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new", "postmortems")
	tracker, err := local.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tracker, dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func save(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTracker(t *testing.T) {
	trackertest.Run(t, func(t *testing.T) trackertest.World {
		tracker, _ := open(t)
		return trackertest.World{
			Tracker: tracker,
			Edit: func(at issue.Found, change func(string) string) {
				save(t, at.Ref.URL, change(read(t, at.Ref.URL)))
			},
			Read: func(at issue.Found) string { return read(t, at.Ref.URL) },
			Delete: func(at issue.Found) {
				if !strings.Contains(at.Key, "/") {
					if err := os.Remove(at.Ref.URL); err != nil {
						t.Fatal(err)
					}
					return
				}
				before, rest, ok := strings.Cut(read(t, at.Ref.URL), issue.Marker{Key: at.Key}.String())
				_, after, whole := strings.Cut(rest, "<!-- postburn end -->\n")
				if !ok || !whole {
					t.Fatal("there is no comment to delete")
				}
				save(t, at.Ref.URL, before+after)
			},
		}
	})
}

var (
	text  = issue.Text{Title: "checkout was unavailable", Body: "It failed.\n"}
	final = issue.Text{Title: "checkout was unavailable for 17 minutes", Body: "It is over.\n"}
)

func post(key string) issue.Post {
	return issue.Post{Key: key, Group: "checkout", Onset: time.Unix(1_800_000_000, 0).UTC(), Text: text}
}

func create(t *testing.T, tracker *local.Tracker, p issue.Post) issue.Found {
	t.Helper()
	found, err := tracker.Create(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	found.Text = p.Text
	return found
}

func TestFileIsWhatPeopleRead(t *testing.T) {
	tracker, dir := open(t)
	at := create(t, tracker, post("checkout-1"))
	create(t, tracker, issue.Post{Key: "checkout-1/recovery-1", Parent: &at, Text: issue.Text{Body: "Recovered.\n"}})
	want := "<!-- postburn key=checkout-1 group=checkout onset=2027-01-15T08:00:00Z -->\n# checkout was unavailable\n\nIt failed.\n\n" +
		"<!-- postburn end -->\n\n---\n<!-- postburn key=checkout-1/recovery-1 -->\n\nRecovered.\n\n<!-- postburn end -->\n"
	if got := read(t, filepath.Join(dir, "checkout-1.md")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestNotesAnywhereOutsideAreKept(t *testing.T) {
	tracker, _ := open(t)
	at := create(t, tracker, post("checkout-1"))
	create(t, tracker, issue.Post{Key: "checkout-1/progress", Parent: &at, Text: issue.Text{Body: "Still.\n"}})
	path := at.Ref.URL
	save(t, path, "above\n"+strings.Replace(read(t, path), "<!-- postburn end -->\n", "<!-- postburn end -->\nbetween\n", 1)+"below, without a line's end")
	if err := tracker.Replace(t.Context(), at, final); err != nil {
		t.Fatal(err)
	}
	create(t, tracker, issue.Post{Key: "checkout-1/recovery-1", Parent: &at, Text: issue.Text{Body: "Recovered.\n"}})
	got := read(t, path)
	for _, want := range []string{"above\n<!--", "end -->\nbetween\n", "\nbelow, without a line's end\n\n---\n", "It is over.\n", "Recovered.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestMarkerOrEndTakenAwayIsAnEdit(t *testing.T) {
	for name, gone := range map[string]string{"marker": post("checkout-1").Marker().String() + "\n", "end": "<!-- postburn end -->\n"} {
		t.Run(name, func(t *testing.T) {
			tracker, _ := open(t)
			at := create(t, tracker, post("checkout-1"))
			before := strings.Replace(read(t, at.Ref.URL), gone, "", 1)
			save(t, at.Ref.URL, before)
			if err := tracker.Replace(t.Context(), at, final); !errors.Is(err, issue.ErrEdited) {
				t.Errorf("got %v, want ErrEdited", err)
			}
			if got := read(t, at.Ref.URL); got != before {
				t.Errorf("the file was changed:\n%s", got)
			}
			all, err := tracker.Find(t.Context(), post("checkout-1"), time.Time{})
			if err != nil || len(all) != 1 {
				t.Errorf("found %+v, %v: a second issue would be made", all, err)
			}
			if again := create(t, tracker, post("checkout-1")); again.Ref != at.Ref || read(t, at.Ref.URL) != before {
				t.Errorf("a person's file was overwritten")
			}
		})
	}
}

func TestFolderMayBeMoved(t *testing.T) {
	tracker, dir := open(t)
	at := create(t, tracker, post("checkout-1"))
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	tracker, err := local.New(moved, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tracker.Replace(t.Context(), at, final); err != nil {
		t.Error(err)
	}
}
