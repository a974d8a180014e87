package archive

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Planned says what to do with a folder.
type Planned struct {
	Write map[string][]byte // content of files to add or to replace, by path with slashes
	// Of post-mortems; the index is in none of these.
	Added, Updated, Same int
	Left                 []string // paths of files that people changed: they stay as they are
}

// Plan says how a folder becomes an archive of these post-mortems, given its .md files by their
// paths in it. It replaces only files that are as it wrote them. A file may have been moved within
// the folder. Nothing is removed.
func Plan(posts []PostMortem, files map[string][]byte) (Planned, error) {
	p := Planned{Write: map[string][]byte{}}
	state := newFolder(files)
	seen := map[string]bool{}
	for _, post := range posts {
		f := newFile(post)
		if seen[f.Key] { // a second issue for one incident
			f.Key += "-" + keyOf(f.Front)
		}
		seen[f.Key] = true
		content, err := f.Encode()
		if err != nil {
			return Planned{}, err
		}
		name, known := state.paths[f.Key]
		if !known {
			name = state.free(nameOf(f))
		}
		switch was, there := files[name]; {
		case !there:
			p.Added++
		case bytes.Equal(was, content):
			p.Same++
			continue
		case !state.untouched[name]:
			p.Left = append(p.Left, name)
			continue
		default:
			p.Updated++
		}
		p.Write[name] = content
		state.paths[f.Key], state.all[name] = name, f.Front
	}
	slices.Sort(p.Left)
	return p, p.index(state, files)
}

// folder is what is known of an archive's files.
type folder struct {
	all       map[string]Front  // by path
	paths     map[string]string // by key
	untouched map[string]bool   // by path
	taken     map[string]bool   // paths
}

func newFolder(files map[string][]byte) folder {
	s := folder{all: map[string]Front{}, paths: map[string]string{}, untouched: map[string]bool{}, taken: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s.taken[name] = true
		f, ours, untouched := Decode(files[name])
		if !ours || f.Key == indexKey {
			continue
		}
		s.all[name], s.untouched[name] = f.Front, untouched
		if _, twice := s.paths[f.Key]; !twice {
			s.paths[f.Key] = name
		}
	}
	return s
}

// free returns a path that no file has, as near as can be to the one that is wanted.
func (s folder) free(name string) string {
	for n := 2; s.taken[name] || name == indexName; n++ {
		base, _, _ := strings.Cut(strings.TrimSuffix(name, extension), "~")
		name = fmt.Sprintf("%s~%d%s", base, n, extension)
	}
	s.taken[name] = true
	return name
}

const extension = ".md"

var notPlain = regexp.MustCompile(`[^a-z0-9._-]+`)

// nameOf returns the path of a new file, like 2026/checkout-20261014t104100z.md. A key is
// untrusted: people can edit the marker that has it.
func nameOf(f File) string {
	plain := strings.Trim(notPlain.ReplaceAllString(strings.ToLower(f.Key), "-"), ".-")
	plain = plain[:min(len(plain), 100)]
	if plain != f.Key {
		sum := sha256.Sum256([]byte(f.Key))
		plain = strings.TrimLeft(plain+"-"+hex.EncodeToString(sum[:6]), "-")
	}
	if f.Date.IsZero() {
		return path.Join("undated", plain+extension)
	}
	return path.Join(f.Date.UTC().Format("2006"), plain+extension)
}

// index adds the index, unless a person changed it.
func (p *Planned) index(s folder, files map[string][]byte) error {
	content, err := newIndex(s.all).Encode()
	if err != nil {
		return err
	}
	was, there := files[indexName]
	switch f, ours, untouched := Decode(was); {
	case bytes.Equal(was, content), !there && len(s.all) == 0:
	case there && !(ours && untouched && f.Key == indexKey):
		p.Left = append(p.Left, indexName)
	default:
		p.Write[indexName] = content
	}
	return nil
}

// byDate orders paths by their dates, newest first.
func byDate(all map[string]Front) []string {
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(all[b].Date.Compare(all[a].Date), cmp.Compare(a, b))
	})
}
