package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"
)

// variableNames returns the names of all variables that are read.
func variableNames(of reflect.Type, prefix string) (names []string) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		if f.Type.Kind() == reflect.Struct {
			_, inner, _ := strings.Cut(options, "prefix=")
			names = append(names, variableNames(f.Type, prefix+inner)...)
			continue
		}
		names = append(names, prefix+name)
	}
	return names
}

// TestSettings has a setting for each variable, with its value, but for the secrets.
func TestSettings(t *testing.T) {
	set := map[string]string{
		"POSTBURN_PROMETHEUS_URL": "https://me:hunter2@prometheus.example/p?token=hunter2", "POSTBURN_TRACKER": "github",
		"POSTBURN_GITHUB_REPOSITORY": "acme/shop", "POSTBURN_GITHUB_TOKEN": "hunter2", "POSTBURN_INTERVAL": "90s", "POSTBURN_LOG_LEVEL": "warn",
	}
	env, err := LoadEnvironment(t.Context(), envconfig.MapLookuper(set))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var names []string
	for _, s := range env.Settings() {
		names = append(names, s.Name)
		found[s.Name] = s.Value
		if strings.Contains(s.Value, "hunter2") {
			t.Errorf("%s shows a secret: %s", s.Name, s.Value)
		}
	}
	want := variableNames(reflect.TypeFor[variables](), Prefix)
	slices.Sort(want)
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("settings %v\nwant     %v", names, want)
	}
	for name, want := range map[string]string{
		"POSTBURN_INTERVAL": "1m30s", "POSTBURN_DELAY": "1m", "POSTBURN_STORE": "sqlite:postburn.db", "POSTBURN_RETENTION": "730d",
		"POSTBURN_GITHUB_REPOSITORY": "acme/shop", "POSTBURN_LOG_LEVEL": "warn", "POSTBURN_PROBE_LISTEN": "", "POSTBURN_GITHUB_APP_ID": "",
	} {
		if found[name] != want {
			t.Errorf("%s is %q, want %q", name, found[name], want)
		}
	}
	if found["POSTBURN_GITHUB_TOKEN"] == "" {
		t.Error("it does not say that there is a token")
	}
	if text := fmt.Sprint(Environment{Source: Source{Interval: time.Second}}.Settings()); strings.Contains(text, "hidden") {
		t.Errorf("without a token: %s", text)
	}
}
