package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// File is a file of the archive.
type File struct {
	Front
	Body string
}

const (
	fence = "---\n"
	// seal begins the last line of the front matter, with a digest of all the rest of the file. It
	// is how a file that people changed is known.
	seal = "postburn_digest: "
)

// Encode returns the file's content. All values of the front matter are written by the YAML
// library, so none can end it.
func (f File) Encode() ([]byte, error) {
	front, err := yaml.Marshal(f.Front)
	if err != nil {
		return nil, fmt.Errorf("writing the front matter of %s: %w", f.Key, err)
	}
	return []byte(fence + string(front) + seal + digest(string(front), f.Body) + "\n" + fence + "\n" + f.Body), nil
}

func digest(front, body string) string {
	sum := sha256.Sum256([]byte(front + fence + body))
	return hex.EncodeToString(sum[:])
}

// Decode reads a file. ours is false if it has no front matter of the archive's; untouched is true
// if it is as Encode wrote it.
func Decode(content []byte) (f File, ours, untouched bool) {
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	rest, ok := strings.CutPrefix(text, fence)
	if !ok {
		return File{}, false, false
	}
	front, body, ok := strings.Cut(rest, "\n"+fence)
	front += "\n"
	if !ok || yaml.Unmarshal([]byte(front), &f.Front) != nil || f.Key == "" {
		return File{}, false, false
	}
	f.Body = strings.TrimPrefix(body, "\n")
	at := strings.LastIndex(front, seal)
	if at < 0 || at > 0 && front[at-1] != '\n' {
		return f, true, false
	}
	sealed := strings.TrimSpace(front[at+len(seal):])
	return f, true, sealed == digest(front[:at], f.Body) && string(content) == text
}
