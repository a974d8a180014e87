//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	_ "modernc.org/sqlite" // changes stores without postburn

	"github.com/postburn/postburn/web"
)

// awaitStoreProblem waits until the log, the metrics and the page say that the store has a problem,
// with these words. The daemon stays ready: its page is where people find out.
func (p *postburn) awaitStoreProblem(problem string, words ...string) {
	p.t.Helper()
	await(p.t, patience, "the store to be "+problem, func() error {
		healthy, err := p.metric("postburn_store_healthy")
		if err != nil {
			return err
		}
		found, err := p.metric("postburn_store_errors_total", "problem", problem)
		if err == nil && (healthy != 0 || found == 0) {
			err = fmt.Errorf("postburn_store_healthy is %v, postburn_store_errors_total{problem=%q} %v", healthy, problem, found)
		}
		return err
	})
	p.awaitSaidOnce(append([]string{"level=ERROR", `msg="something is wrong with the store"`, "problem=" + problem}, words...)...)
	await(p.t, patience, "the page to say so", func() error {
		page := p.page()
		for _, word := range words {
			if !strings.Contains(page, word) {
				return fmt.Errorf("%q is not in\n%s", word, page)
			}
		}
		return nil
	})
}

// isReady checks that an orchestrator is told to send people here.
func (p *postburn) isReady() {
	p.t.Helper()
	if _, err := get(p.url + "/-/ready"); err != nil {
		p.t.Error(err)
	}
}

// page is the text of the first page, or of the one that says why the store can't be read.
func (p *postburn) page() string {
	p.t.Helper()
	answer, err := http.Get(p.url + "/")
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return html.UnescapeString(string(body))
}

// awaitStoreHealthy waits until nothing is wrong with the store any more.
func (p *postburn) awaitStoreHealthy() {
	p.t.Helper()
	await(p.t, patience, "the store to be healthy", func() error {
		healthy, err := p.metric("postburn_store_healthy")
		if err == nil && healthy != 1 {
			err = errNotYet
		}
		return err
	})
	p.awaitSaidOnce("level=INFO", "nothing is wrong with the store any more")
	await(p.t, patience, "the page to say no more that something is wrong", func() error {
		if page := p.page(); strings.Contains(page, "Something is wrong with postburn itself") {
			return errors.New(page)
		}
		return nil
	})
}

// runStore runs a command of `postburn store`, and returns what it printed.
func (p *postburn) runStore(code int, args ...string) string {
	p.t.Helper()
	cmd := exec.Command(binary, append([]string{"store"}, args...)...)
	cmd.Env = append(os.Environ(), p.env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != code {
		p.t.Fatalf("store %v: %v, want exit code %d\n%s", args, err, code, out)
	}
	return string(out)
}

// storeFiles are the files that a store has now.
func storeFiles(t *testing.T, path string) (all []string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); err == nil {
			all = append(all, path+suffix)
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return all
}

// TestStoreRemoved removes the store's files under the daemon, twice in one outage, and kills it
// afterwards.
func TestStoreRemoved(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	path := s.postburn.path("postburn.db")
	for n := range 2 {
		for _, name := range storeFiles(t, path)[:3-2*n] { // all three, then the first
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		await(t, patience, "the store to be put back", func() error {
			if restored, err := s.postburn.metric("postburn_store_restored_total"); err != nil || restored != float64(n+1) {
				return errors.Join(err, errNotYet)
			}
			return nil
		})
	}
	s.postburn.awaitSaid(2, "level=WARN", "the store's file had been removed, and was put back with all that was committed")
	s.postburn.runStore(0, "check")
	s.postburn.kill()
	f.until(lasting)
	s.postburn.start()
	s.repair(f)
	s.verify(f)
}

// TestStoreFolderGone moves the folder of the store away from before an outage until after it, as
// if its volume was not mounted any more.
func TestStoreFolderGone(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	folder := s.postburn.path("data")
	path := filepath.Join(folder, "postburn.db")
	s.postburn.env = append(s.postburn.env, "POSTBURN_STORE=sqlite:"+path)
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	s.start()
	if err := errors.Join(os.Rename(folder, folder+".away"), os.Mkdir(folder, 0o777)); err != nil {
		t.Fatal(err)
	}
	f := s.breakDown()
	s.postburn.awaitStoreProblem("missing", "store "+path, "is a volume not mounted?", "bring it back; until then nothing is committed, and nothing that was committed is lost")
	s.postburn.isReady()
	f.until(lasting)
	s.repair(f)
	if all, err := s.postburn.incidents(); err != nil || len(all) != 0 {
		t.Errorf("what is not committed is shown: %+v, %v", all, err)
	}
	if err := errors.Join(os.Remove(folder), os.Rename(folder+".away", folder)); err != nil { // it is empty
		t.Fatal(err)
	}
	s.postburn.awaitStoreHealthy()
	s.verify(f)
}

// TestStoreReplaced puts an empty store in the place of the one that is open, in an outage.
func TestStoreReplaced(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	path, other := s.postburn.path("postburn.db"), s.postburn.path("other.db")
	execute(t, other, "CREATE TABLE t (x)")
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	s.postburn.awaitStoreProblem("replaced", "store "+path, "another file has taken its place",
		"move that file away, and postburn puts its own back; or restart postburn to go on with that file")
	s.postburn.isReady()
	f.until(lasting)
	s.repair(f)
	if err := os.Rename(path, other); err != nil {
		t.Fatal(err)
	}
	s.postburn.awaitStoreHealthy()
	s.postburn.kill()
	s.postburn.start()
	s.verify(f)
}

// TestStoreDamaged backs the store up in an outage, overwrites the middle of it, and restores it.
func TestStoreDamaged(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	path, backup := s.postburn.path("postburn.db"), s.postburn.path("backup.db")
	if said := s.postburn.runStore(0, "backup", backup); !strings.Contains(said, "1 incident, 1 publication") {
		t.Errorf("the backup says %s", said)
	}
	f.until(lasting)
	s.repair(f)
	s.awaitRecovered()
	s.postburn.stop(10 * time.Second) // so that all is in the file
	s.postburn.start()
	overwriteMiddle(t, path)
	advice := fmt.Sprintf("`postburn store check %[1]s` says what is damaged; stop postburn, and restore a backup, "+
		"or move %[1]s, %[1]s-wal and %[1]s-shm away: postburn then reads the past from Prometheus again and finds its issues by their markers", path)
	s.postburn.awaitStoreProblem("damaged", "store "+path, advice)
	s.postburn.isReady()
	s.postburn.kill()
	if said := s.postburn.runStore(1, "check", path); !strings.Contains(said, "store "+path+": ") || !strings.Contains(said, "restore a backup") {
		t.Errorf("the check says %s", said)
	}
	for _, name := range storeFiles(t, path) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	s.postburn.start()
	s.verify(f)
}

// overwriteMiddle writes garbage over half of a file.
func overwriteMiddle(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(bytes.Repeat([]byte("garbage."), int(info.Size()/16)), info.Size()/4/4096*4096)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestStoreOfNewerPostburn starts a postburn on the store of a newer one, as after a downgrade, and
// then a newer one again.
func TestStoreOfNewerPostburn(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	s.awaitOpened()
	s.postburn.stop(10 * time.Second)
	path := s.postburn.path("postburn.db")
	execute(t, path, "PRAGMA user_version = 99")
	s.postburn.refuses("opening store "+path, "a newer postburn wrote it: its schema has version 99, and this postburn knows versions 1 to 4",
		"run a postburn that knows that version, restore a backup that this one knows, or move "+path)
	execute(t, path, "PRAGMA user_version = 4") // as it was
	f.until(lasting)
	s.repair(f)
	s.postburn.start()
	s.verify(f)
}

// refuses runs the daemon, and checks that it ends with exit code 1 and these words, at once.
func (p *postburn) refuses(words ...string) {
	p.t.Helper()
	p.refusesIn(nil, words...)
}

// refusesIn is refuses for a daemon that is run by another command.
func (p *postburn) refusesIn(around []string, words ...string) {
	p.t.Helper()
	args := append(around, binary, "run")
	cmd := exec.CommandContext(p.t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), p.env...)
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		p.t.Errorf("exit code %d, want 1\n%s", code, out)
	}
	for _, word := range words {
		if !strings.Contains(string(out), word) {
			p.t.Errorf("%q is not in\n%s", word, out)
		}
	}
}

// TestStoreRefused starts the daemon on stores that it can't use, without a Prometheus.
func TestStoreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage func(t *testing.T, path string)
		around []string
		words  []string // PATH stands for the store's path
	}{
		"too old":     {damage: changing("PRAGMA user_version = 0"), words: []string{"too old a postburn wrote it: its schema has version 0, and this postburn knows versions 1 to 4; run a postburn that"}},
		"undecodable": {damage: changing("UPDATE checkpoints SET content = x'020100' WHERE part = 'history'"), words: []string{"reading a history: corrupt encoding: its version is 1, and this postburn knows versions 2 and 3; `postburn store check PATH`", "move PATH, PATH-wal and PATH-shm away"}},
		"damaged":     {damage: overwriteMiddle, words: []string{"`postburn store check PATH` says what is damaged; stop postburn, and restore a backup, or move PATH"}},
		"another file": {
			damage: func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("slos: []\n"), 1000)) },
			words:  []string{"file is not a database", "`postburn store check PATH`"},
		},
		"read-only": {
			around: []string{"unshare", "--map-root-user", "--mount", "sh", "-c", `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`, "FOLDER"},
			words:  []string{"make the file and its folder writable for postburn's user; until then nothing is committed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPostburn(t, "http://127.0.0.1:1", soonOver()+cart())
			folder := p.path("data")
			path := filepath.Join(folder, "postburn.db")
			if err := os.Mkdir(folder, 0o777); err != nil {
				t.Fatal(err)
			}
			p.env = append(p.env, "POSTBURN_STORE=sqlite:"+path)
			unpackStore(t, "version2", path)
			if tc.damage != nil {
				tc.damage(t, path)
			}
			for i, word := range tc.around {
				tc.around[i] = strings.ReplaceAll(word, "FOLDER", folder)
			}
			words := []string{"store " + path}
			for _, word := range tc.words {
				words = append(words, strings.ReplaceAll(word, "PATH", path))
			}
			p.refusesIn(tc.around, words...)
			if tc.damage == nil {
				return
			}
			for _, name := range storeFiles(t, path) { // as the advice says
				if err := os.Rename(name, filepath.Join(p.dir, filepath.Base(name))); err != nil {
					t.Fatal(err)
				}
			}
			p.start()
		})
	}
}

func changing(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) { execute(t, path, text) }
}

// TestStoreUpgraded starts the daemon on the store of an older postburn with the same objectives:
// all incidents are as they were, and none is published anew. Their files are missing, as if people
// had deleted them.
func TestStoreUpgraded(t *testing.T) {
	t.Parallel()
	p := newPostburn(t, "http://127.0.0.1:1", soonOver()+cart())
	unpackStore(t, "version2", p.path("postburn.db"))
	text, err := os.ReadFile(filepath.Join(fixtures, "version2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Incidents []web.Incident `json:"incidents"`
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.start()
		got, err := p.incidents()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.Incidents, got, cmpopts.IgnoreFields(web.Incident{}, "Triage", "Service", "Severity", "Impact"),
			cmpopts.IgnoreFields(web.Window{}, "Service", "Severity", "ErrorRatio"), anyWording); d != "" {
			t.Errorf("incidents (-want +got):\n%s", d)
		}
		p.kill()
	}
	if n := len(p.postMortems()); n != 0 {
		t.Errorf("%d post-mortems were written anew", n)
	}
	p.runStore(0, "check")
}

// anyWording compares caveats by their number: a new version may word them otherwise.
var anyWording = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Caveats" },
	cmp.Comparer(func(a, b []string) bool { return len(a) == len(b) }))

// fixtures has stores of older postburns, and what their API answered.
const fixtures = "../store/sqlite/testdata"

func unpackStore(t *testing.T, name, path string) {
	t.Helper()
	packed, err := os.Open(filepath.Join(fixtures, name+".db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, content)
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// execute runs SQL on a file without postburn.
func execute(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}
