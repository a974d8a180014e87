package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds a file, in bytes. Ten thousand objectives take about 5 MB.
const maxFile = 8 << 20

// Reader reads the whole content of a file, all its documents, in one format. A reader of a foreign format returns nothing at all for a
// file that is not of its format. A definition that has a problem may be in the list as far as it was read.
type Reader func(doc []byte, name string) ([]Definition, []Problem)

// Load reads SLO files. A path is a file, or a folder of which all *.yaml and *.yml are read, without its subfolders and what begins
// with a dot; symbolic links to files are followed, so that a mounted ConfigMap works. Each file goes to the first of the readers that
// finds anything in it, and to Native where none does. Definitions are in the order of the files' names and of the text.
//
// All problems of all files are returned. Where one of them is an error there are no definitions.
func Load(paths []string, readers ...Reader) ([]Definition, []Problem) {
	files, problems := expand(paths)
	var definitions []Definition
	for _, name := range files {
		doc, err := readFile(name)
		if err != nil {
			problems = append(problems, unreadable(name, err))
			continue
		}
		found, wrong := read(doc, name, readers)
		definitions = append(definitions, found...)
		problems = append(problems, wrong...)
	}
	problems = tidy(append(problems, repeatedNames(definitions)...))
	if Failed(problems) {
		return nil, problems
	}
	return definitions, problems
}

// Files are the SLO files that Load would read for these paths, sorted by name.
func Files(paths []string) []string {
	files, _ := expand(paths)
	return files
}

func read(doc []byte, name string, readers []Reader) ([]Definition, []Problem) {
	for _, reader := range readers {
		if definitions, problems := reader(doc, name); definitions != nil || problems != nil {
			return definitions, problems
		}
	}
	return Native(doc, name)
}

// expand makes paths of files and folders into paths of files, each one once, sorted.
func expand(paths []string) (files []string, problems []Problem) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			problems = append(problems, unreadable(path, err))
		case info.IsDir():
			inside, wrong := expandFolder(path)
			files = append(files, inside...)
			problems = append(problems, wrong...)
		default:
			files = append(files, filepath.Clean(path))
		}
	}
	slices.Sort(files)
	return slices.Compact(files), problems
}

func expandFolder(path string) (files []string, problems []Problem) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, []Problem{unreadable(path, err)}
	}
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		ext := filepath.Ext(name)
		if strings.HasPrefix(entry.Name(), ".") || (ext != ".yaml" && ext != ".yml") {
			continue
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			problems = append(problems, unreadable(name, err))
		case info.Mode().IsRegular():
			files = append(files, name)
		}
	}
	if len(files) == 0 && len(problems) == 0 {
		text := "no slos: the folder has no *.yaml or *.yml file"
		problems = append(problems, Problem{Position: Position{File: path}, Text: text})
	}
	return files, problems
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	doc, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(doc) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB: split it into several files", maxFile>>20)
	}
	return doc, nil
}

// unreadable names the path once: the errors of package os begin with it as well.
func unreadable(path string, err error) Problem {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return Problem{Position: Position{File: path}, Text: "reading the file: " + err.Error()}
}

// repeatedNames finds objectives that have the name of an earlier one.
func repeatedNames(definitions []Definition) (problems []Problem) {
	first := map[string]Position{}
	for _, d := range definitions {
		name := d.Objective.Name
		if name == "" {
			continue
		}
		if at, taken := first[name]; taken {
			text := fmt.Sprintf("name %q is taken by the slo at %s; names must be unique", name, at)
			problems = append(problems, Problem{Position: d.Position, Text: text})
			continue
		}
		first[name] = d.Position
	}
	return problems
}
