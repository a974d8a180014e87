package config

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
)

// Store says where postburn keeps its state: in a file, or in a database on a server.
type Store struct {
	SQLite   string          // the file's path; empty if it is PostgreSQL
	Postgres DatabaseAddress // zero if it is SQLite
}

// IsPostgres reports whether it is a database on a server.
func (s Store) IsPostgres() bool { return s.Postgres != DatabaseAddress{} }

// String is the store as POSTBURN_STORE has it, without user and password.
func (s Store) String() string {
	if s.IsPostgres() {
		return s.Postgres.String()
	}
	return "sqlite:" + s.SQLite
}

// ParseStore reads a store as POSTBURN_STORE has it; ok is false if it is none.
func ParseStore(text string) (s Store, ok bool) {
	if IsDatabaseAddress(text) {
		return Store{Postgres: DatabaseAddress{text}}, true
	}
	path, ok := strings.CutPrefix(text, "sqlite:")
	return Store{SQLite: path}, ok && path != ""
}

// store does not repeat what was given: it may hold a password.
func (w *wrong) store(text string) Store {
	s, ok := ParseStore(text)
	if !ok {
		w.addf("STORE", "must be sqlite:PATH, or a URL like postgres://user@host/database")
	}
	return s
}

// ownFiles are the files that hold the store or its secrets.
func (s Store) ownFiles() (files []string) {
	if !s.IsPostgres() {
		return []string{s.SQLite}
	}
	_, query, _ := strings.Cut(s.Postgres.text, "?")
	set, err := url.ParseQuery(query)
	if err != nil {
		return nil // it can't be used either
	}
	for _, name := range []string{"passfile", "sslkey", "servicefile"} {
		if file := set.Get(name); file != "" {
			files = append(files, filepath.Clean(file))
		}
	}
	return files
}

// DatabaseAddress is a URL that may hold a password, which it shows to nobody but who asks Reveal.
type DatabaseAddress struct{ text string }

// IsDatabaseAddress reports whether a text is meant to be one.
func IsDatabaseAddress(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// Reveal is the whole URL, for connecting.
func (a DatabaseAddress) Reveal() string { return a.text }

// String is the URL's hosts and database. If a malformed URL leaves open where its password ends,
// it shows neither.
func (a DatabaseAddress) String() string {
	scheme, rest, _ := strings.Cut(a.text, "://")
	address, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") || strings.Contains(rest, "#") {
		return scheme + "://" + hidden
	}
	return scheme + "://" + address[strings.LastIndex(address, "@")+1:]
}

// GoString is as String is.
func (a DatabaseAddress) GoString() string { return a.String() }

// LogValue is as String is.
func (a DatabaseAddress) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText is as String is.
func (a DatabaseAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
