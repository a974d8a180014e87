package config

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"
)

// TestStore reads stores of both kinds, and shows them without what only postburn may know.
func TestStore(t *testing.T) {
	for given, want := range map[string]string{
		"sqlite:/data/p.db": "sqlite:/data/p.db",
		"postgres://user:hunter2@db:5432/shop?sslmode=verify-full":     "postgres://db:5432/shop",
		"postgresql://user:hun@ter2@a:1,b:2/shop":                      "postgresql://a:1,b:2/shop",
		"postgres:///shop?host=%2Frun%2Fpostgresql&password=hunter2":   "postgres:///shop",
		"postgres:///shop?host=/run/postgresql&password=hunter2":       "postgres:///shop",
		"postgres://user:hun/ter2@db/shop":                             "postgres://db/shop",
		"postgres://user:hun?ter2@db/shop":                             "postgres://xxxxx",
		"postgres://user:hun#ter2@db/shop":                             "postgres://xxxxx",
		"postgres://db/shop?password=a@hunter2":                        "postgres://xxxxx",
		"postgres://":                                                  "postgres://",
		"postgres://db/shop?passfile=%2Fsecret%2Fpass&sslkey=/key.pem": "postgres://db/shop",
	} {
		env, err := LoadEnvironment(context.Background(), envconfig.MapLookuper(map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_STORE": given}))
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if got := env.Store.String(); got != want {
			t.Errorf("%s is shown as %s, not %s", given, got, want)
		}
		if env.Store.IsPostgres() && env.Store.Postgres.Reveal() != given {
			t.Errorf("%s is %s", given, env.Store.Postgres.Reveal())
		}
		text, _ := env.Store.Postgres.MarshalText()
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("", "store", env.Store.Postgres)
		if shown := fmt.Sprintf("%v %+v %#v %s %v", env, env.Store, env.Store, text, env.Settings()) + log.String(); strings.Contains(shown, "ter2") {
			t.Errorf("the password is in %s", shown)
		}
	}
	for _, given := range []string{"sqlite:", "postburn.db", "mysql://user:hunter2@db/shop", "postgres:shop"} {
		if s, ok := ParseStore(given); ok {
			t.Errorf("%s is %s", given, s)
		}
	}
}

// TestStoreFiles keeps SLO files from naming what holds the store's secrets.
func TestStoreFiles(t *testing.T) {
	for given, want := range map[string][]string{
		"sqlite:p.db": {"p.db"}, "postgres://db/shop?passfile=/secret/pass&sslkey=key.pem": {"/secret/pass", "key.pem"}, "postgres://db/shop": nil,
	} {
		b, err := LoadBounds(context.Background(), envconfig.MapLookuper(map[string]string{"POSTBURN_STORE": given}))
		if err != nil || !slices.Equal(b.OwnFiles, want) {
			t.Errorf("%s: %q, %v", given, b.OwnFiles, err)
		}
	}
}
