package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue/learn/archive"
	"github.com/postburn/postburn/slo/humanize"
)

// archiveCommand keeps finished post-mortems as files.
type archiveCommand struct {
	Dir        string   `arg:"" help:"Folder to write to; it is made if it is missing."`
	Repository []string `help:"Repositories at GitHub to read; default: $$POSTBURN_GITHUB_REPOSITORY." placeholder:"OWNER/NAME"`
	Author     []string `help:"Accounts that postburn opened issues with, if not the token's own." placeholder:"LOGIN"`
}

// Run reads the tracker, and adds to the folder and updates what is new. What people changed there
// stays as it is.
func (c archiveCommand) Run(ctx context.Context, s surroundings) error {
	settings, isGitHub, err := config.LoadGitHub(ctx, s.lookuper)
	if err != nil {
		return usageError{err}
	}
	var posts []archive.PostMortem
	var problems error
	if isGitHub {
		posts, problems, err = readGitHub(ctx, s, settings, c.Repository, c.Author)
	} else {
		posts, err = c.readLocal(s)
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("making the archive's folder: %w", err)
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return fmt.Errorf("opening the archive's folder: %w", err)
	}
	defer root.Close()
	files, err := markdownFiles(root)
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	planned, err := archive.Plan(posts, files)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(planned.Write)) {
		if err := replaceFile(root, name, planned.Write[name]); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(c.Dir, name), err)
		}
	}
	for _, name := range planned.Left {
		fmt.Fprintf(s.stderr, "%s was changed by a person, so it was left as it is\n", filepath.Join(c.Dir, name))
	}
	fmt.Fprintf(s.stdout, "%s: %d added, %d updated, %d unchanged\n", humanize.Plural(len(posts), "finished post-mortem"), planned.Added, planned.Updated, planned.Same)
	return problems
}

// markdownFiles reads the .md files in a folder and below, by their paths with slashes. It leaves
// out hidden folders and follows no links.
func markdownFiles(root *os.Root) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(entry.Name(), ".")
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || !entry.Type().IsRegular() || path.Ext(name) != ".md":
			return nil
		}
		content, err := root.ReadFile(name)
		files[name] = content
		return err
	})
	return files, err
}

// replaceFile writes a file, whole or not at all.
func replaceFile(root *os.Root, name string, content []byte) error {
	if err := root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	temporary := path.Join(path.Dir(name), "."+path.Base(name)+".tmp")
	if err := root.WriteFile(temporary, content, 0o666); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return root.Rename(temporary, name)
}
