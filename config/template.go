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
	"syscall"
	"unicode"
)

// maxTemplate bounds a template's file, in bytes.
const maxTemplate = 256 << 10

// readTemplateName returns the path of a file at or below the SLO file's folder. It is not read
// here.
func readTemplateName(f field) string {
	text, ok := f.scalar()
	switch {
	case !ok:
		return ""
	case !isShortText(filepath.Base(text)) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.HasSuffix(text, "/"):
		f.errorf("%s must be %s, not %s", f.path, f.like, quote(text))
		return ""
	case filepath.IsAbs(text) || slices.Contains(strings.Split(filepath.ToSlash(text), "/"), ".."):
		f.errorf("%s must be below the SLO file's folder, not %s: put the template there, and name it like checkout.md.tmpl", f.path, quote(text))
		return ""
	}
	return filepath.Join(filepath.Dir(f.at().File), text)
}

// readTemplates reads the templates that definitions name, each file once.
func readTemplates(definitions []Definition) (problems []Problem) {
	type read struct {
		text string
		err  error
	}
	known := map[string]read{}
	for n := range definitions {
		d := &definitions[n]
		file := d.Issue.Template.File
		if file == "" {
			continue
		}
		got, ok := known[file]
		if !ok {
			got.text, got.err = ReadTemplate(filepath.Dir(d.Position.File), file)
			known[file] = got
		}
		if got.err != nil {
			problems = append(problems, Problem{
				Position: d.At("issue.template"), Text: fmt.Sprintf("issue.template: %s %v", quote(filepath.Base(file)), got.err), About: file,
			})
			continue
		}
		d.Issue.Template.Text = got.text
	}
	return problems
}

// ReadTemplate reads a file that is in a folder, or below it, and stays there wherever links lead,
// as those of a ConfigMap do. What is no regular file is not opened, since that may take for ever.
// The error is the end of a sentence that begins with the file's name.
func ReadTemplate(folder, file string) (string, error) {
	name, err := filepath.Rel(folder, file)
	if err != nil {
		return "", fmt.Errorf("is not in %s", folder)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("can't be read: %w", bare(err))
	}
	defer root.Close()
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("is not there")
	case err != nil && !errors.Is(err, fs.ErrPermission) && leadsOut(folder, file):
		return "", errors.New("leads out of the SLO file's folder: put the template itself there")
	case err != nil:
		return "", fmt.Errorf("can't be read: %w", bare(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("must be a regular file, not %s", kindOf(info.Mode()))
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have changed
	if err != nil {
		return "", fmt.Errorf("can't be read: %w", bare(err))
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.New("must be a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("can't be read: %w", bare(err))
	case len(text) > maxTemplate:
		return "", fmt.Errorf("is larger than %d KiB", maxTemplate>>10)
	}
	return string(text), nil
}

// leadsOut reports whether a file is there, outside of the folder.
func leadsOut(folder, file string) bool {
	inside, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	there, err := filepath.EvalSymlinks(file)
	if err != nil {
		return errors.Is(err, fs.ErrPermission) // links lead to where this process may not look
	}
	return !strings.HasPrefix(there, inside+string(filepath.Separator))
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a special file"
}

// bare is an error without the path that it begins with.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
