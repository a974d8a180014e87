package prom

import (
	"errors"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
)

// HideValues returns what is wrong with a YAML file of settings and secrets without the file's
// values: a secret may stand in place of something else. It shows keys and lines.
func HideValues(err error) error {
	var path *fs.PathError
	var malformed *url.Error
	text := err.Error()
	switch {
	case errors.As(err, &path): // the file itself, or one that it names, perhaps by a secret
		what, _, isNamed := strings.Cut(text, ": unable to read file")
		if !isNamed {
			what = "a file can't be read"
		}
		return errors.New(what + ": " + path.Err.Error())
	case errors.As(err, &malformed):
		return errors.New("a URL in it is malformed: it must be like http://proxy:3128, with special characters of a password as %XX")
	}
	for _, m := range yamlMessages {
		text = m.form.ReplaceAllString(text, m.said)
	}
	return errors.New(text)
}

// yamlMessages are messages of go.yaml.in/yaml and the readers of settings, and ours for each.
var yamlMessages = []struct {
	form *regexp.Regexp
	said string
}{
	{regexp.MustCompile(`cannot unmarshal \S+( \x60[^\x60]*\x60)? into .*`), "a value of the wrong kind, like a text where keys belong, or a list where a text does"},
	{regexp.MustCompile(`field ([a-zA-Z_]{1,30}) not found in type .*`), "there is no key $1 here"},
	{regexp.MustCompile(`field .* not found in type .*`), "an unknown key"},
	{regexp.MustCompile(`key ".*" already set in map`), "a key is there twice"},
	{regexp.MustCompile(`(?s)\x60[^\x60]*\x60|"[^"]*"|'[^']*'`), "(hidden)"},
	{regexp.MustCompile(`unknown (TLS version|cipher|curve): .*`), "unknown $1"},
	{regexp.MustCompile(`\s*\n\s*`), " "},
}
