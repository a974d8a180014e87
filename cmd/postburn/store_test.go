package main

import (
	"compress/gzip"
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postburn/postburn/store/sqlite"
)

// TestStoreScripts runs the commands for stores on a store that an older postburn wrote, and on
// ones that were changed.
func TestStoreScripts(t *testing.T) {
	packed, err := os.Open(filepath.Join("..", "..", "store", "sqlite", "testdata", "version2.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "store"),
		Setup: func(env *testscript.Env) error {
			for name, change := range map[string]string{
				"fine.db":  "PRAGMA journal_mode = DELETE",
				"newer.db": "PRAGMA user_version = 99",
				"undecodable.db": `UPDATE incidents SET doc = '' WHERE id LIKE 'cart-%'; UPDATE publications SET doc = substr(doc, 2);
					UPDATE checkpoints SET content = x'020100' WHERE part = 'history'`,
			} {
				if err := changed(filepath.Join(env.WorkDir, name), content, change); err != nil {
					return err
				}
			}
			return upgraded(env, "store.db", content)
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// upgraded writes a store to a file, and has this postburn open it.
func upgraded(env *testscript.Env, name string, content []byte) error {
	path := filepath.Join(env.WorkDir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{NoSync: true})
	if err != nil {
		return err
	}
	return s.Close()
}

// changed writes a store to a file, and changes it without postburn.
func changed(path string, content []byte, change string) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(change)
	return err
}
