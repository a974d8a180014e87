package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
)

// GitHub is how the github tracker is set up. With it, there is one way of authentication: a token,
// a file of one, or an app.
type GitHub struct {
	Repository        string   // owner/name, if the SLO file names none; empty: another tracker
	Allow             []string // what SLO files may name, like acme/*; see Repositories
	URL               URL      // base of the API of a GitHub Enterprise Server; empty: github.com
	Token             Secret
	TokenFile         string
	AppID             int64
	AppInstallationID int64
	AppPrivateKeyFile string
}

type gitHubVariables struct {
	Repository        string `env:"REPOSITORY"`
	Allow             string `env:"ALLOW"`
	URL               string `env:"URL"`
	Token             string `env:"TOKEN"`
	TokenFile         string `env:"TOKEN_FILE"`
	AppID             string `env:"APP_ID"`
	AppInstallationID string `env:"APP_INSTALLATION_ID"`
	AppPrivateKeyFile string `env:"APP_PRIVATE_KEY_FILE"`
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+$`)

// github reads the settings of a tracker that is wanted.
func (w *wrong) github(v gitHubVariables, wanted bool) GitHub {
	if !wanted {
		return GitHub{}
	}
	g := GitHub{
		URL:               w.url("GITHUB_URL", v.URL, "https://github.example.org/api/v3"),
		Token:             Secret{v.Token},
		TokenFile:         w.file("GITHUB_TOKEN_FILE", v.TokenFile, "set POSTBURN_GITHUB_TOKEN to it, or write it into a file"),
		AppPrivateKeyFile: w.file("GITHUB_APP_PRIVATE_KEY_FILE", v.AppPrivateKeyFile, "write it into a file"),
		AppID:             w.number("GITHUB_APP_ID", v.AppID), AppInstallationID: w.number("GITHUB_APP_INSTALLATION_ID", v.AppInstallationID),
	}
	g.Repository, g.Allow = w.repository(v.Repository), w.allow(v.Allow)
	w.authentication(v)
	return g
}

func (w *wrong) repository(name string) string {
	switch {
	case name == "":
		w.addf("GITHUB_REPOSITORY", "is missing: set it to owner/name")
	case !repositoryName.MatchString(name):
		w.addf("GITHUB_REPOSITORY", "must be owner/name, not %s", quoted(name))
	}
	return name
}

// authentication checks that there is one way of it.
func (w *wrong) authentication(v gitHubVariables) {
	app := map[string]string{
		"GITHUB_APP_ID": v.AppID, "GITHUB_APP_INSTALLATION_ID": v.AppInstallationID, "GITHUB_APP_PRIVATE_KEY_FILE": v.AppPrivateKeyFile,
	}
	set := 0
	for _, value := range app {
		if value != "" {
			set++
		}
	}
	ways := 0
	for _, is := range []bool{v.Token != "", v.TokenFile != "", set > 0} {
		if is {
			ways++
		}
	}
	const choice = "set POSTBURN_GITHUB_TOKEN, POSTBURN_GITHUB_TOKEN_FILE or the three of an app, POSTBURN_GITHUB_APP_..."
	switch {
	case ways == 0:
		w.addf("GITHUB_TOKEN", "is missing: %s", choice)
	case ways > 1:
		w.addf("GITHUB_TOKEN", "is one way to authenticate, and there are %d: %s", ways, choice)
	case set > 0 && set < len(app):
		for _, name := range []string{"GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PRIVATE_KEY_FILE"} {
			if app[name] == "" {
				w.addf(name, "is missing: an app needs its ID, its installation's ID and its private key")
			}
		}
	}
}

func (w *wrong) number(name, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if text != "" && (err != nil || n <= 0) {
		w.addf(name, "must be a number above 0, not %s", quoted(text))
	}
	return n
}

// Secret is shown to nobody but who asks Reveal.
type Secret struct{ text string }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return s.text }

// String hides the secret, and says whether there is one.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return hidden
}

// GoString is as String is.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// LogValue is as String is.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is as String is.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
