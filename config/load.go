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

// Load reads SLO files. A path is a file, or a folder whose *.yaml and *.yml are read, without its
// subfolders and what begins with a dot; symbolic links to files are followed, so that a mounted
// ConfigMap works. What a document says it is decides which of the formats reads it; what no format
// knows is in native form. Definitions are in the order of the files' names and of the text, and
// have the templates that they name.
//
// All problems of all files are returned. Where one of them is an error there are no definitions.
func Load(paths []string, formats ...Format) ([]Definition, []Problem) {
	_, definitions, problems := load(paths, formats)
	if Failed(problems) {
		return nil, problems
	}
	return definitions, problems
}

func load(paths []string, formats []Format) (sources []*source, definitions []Definition, problems []Problem) {
	problems = eachSource(paths, formats, func(s *source) {
		s.readNative()
		if !s.isForeign() {
			s.dropText()
		}
		sources = append(sources, s)
	})
	problems = append(problems, translate(sources, formats)...)
	definitions = takeDefinitions(sources)
	for _, s := range sources {
		problems = append(problems, s.doc.problems...)
	}
	if len(definitions) == 0 && len(sources) > 0 && !Failed(problems) {
		at := Position{File: sources[0].doc.name}
		problems = append(problems, Problem{Position: at, Text: "no slos: there is none in the files"})
	}
	problems = append(problems, repeatedNames(definitions)...)
	return sources, definitions, tidy(append(problems, readTemplates(definitions)...))
}

// eachSource calls a function with each file, in the order of their names. It parses one after the
// other: the trees of many files take much more memory than what is read from them.
func eachSource(paths []string, formats []Format, read func(*source)) (problems []Problem) {
	files, problems := expand(paths)
	for _, name := range files {
		content, err := readFile(name)
		if err != nil {
			problems = append(problems, unreadable(name, err))
			continue
		}
		read(newSource(content, name, formats))
	}
	return problems
}

// takeDefinitions moves the definitions of all files into one slice.
func takeDefinitions(sources []*source) []Definition {
	n := 0
	for _, s := range sources {
		for _, o := range s.objects {
			n += len(o.definitions)
		}
	}
	all := make([]Definition, 0, n)
	for _, s := range sources {
		for _, o := range s.objects {
			all, o.definitions = append(all, o.definitions...), nil
		}
	}
	return all
}

// Files are the SLO files that Load would read for these paths, sorted by name.
func Files(paths []string) []string {
	files, _ := expand(paths)
	return files
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
	first := make(map[string]int, len(definitions))
	for i := range definitions {
		name := definitions[i].Objective.Name
		if name == "" {
			continue
		}
		if n, taken := first[name]; taken {
			text := fmt.Sprintf("name %q is taken by the slo at %s; names must be unique", name, definitions[n].Position)
			problems = append(problems, Problem{Position: definitions[i].Position, Text: text})
			continue
		}
		first[name] = i
	}
	return problems
}
