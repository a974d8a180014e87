package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"
)

func TestGitHub(t *testing.T) {
	const choice = "set POSTBURN_GITHUB_TOKEN, POSTBURN_GITHUB_TOKEN_FILE or the three of an app, POSTBURN_GITHUB_APP_..."
	for name, tc := range map[string]struct {
		set     map[string]string // without POSTBURN_
		tracker string
		want    GitHub
		wrong   []string
	}{
		"a token": {
			map[string]string{"GITHUB_REPOSITORY": "acme/checkout", "GITHUB_TOKEN": "secret"}, "github",
			GitHub{Repository: "acme/checkout", Token: Secret{"secret"}}, nil,
		},
		"repositories that are allowed": {
			map[string]string{"GITHUB_REPOSITORY": "acme/checkout", "GITHUB_TOKEN": "secret", "GITHUB_ALLOW": "acme/*, */postmortems"}, "github",
			GitHub{Repository: "acme/checkout", Token: Secret{"secret"}, Allow: []string{"acme/*", "*/postmortems"}}, nil,
		},
		"what is no repository": {
			map[string]string{"GITHUB_REPOSITORY": "acme/checkout", "GITHUB_TOKEN": "secret", "GITHUB_ALLOW": "acme/*,ghp_secret,"}, "", GitHub{}, []string{
				"POSTBURN_GITHUB_ALLOW must be repositories like acme/* or acme/checkout, separated by commas; number 2 is not one",
				"POSTBURN_GITHUB_ALLOW must be repositories like acme/* or acme/checkout, separated by commas; number 3 is not one",
			},
		},
		"a server and a token's file": {
			map[string]string{
				"TRACKER": "github", "GITHUB_REPOSITORY": "acme/checkout", "GITHUB_TOKEN_FILE": "/token", "GITHUB_URL": "https://g.example.org/api/v3",
			}, "github",
			GitHub{Repository: "acme/checkout", TokenFile: "/token", URL: URL{"https://g.example.org/api/v3"}}, nil,
		},
		"an app": {
			map[string]string{
				"GITHUB_REPOSITORY": "acme/checkout", "GITHUB_APP_ID": "1", "GITHUB_APP_INSTALLATION_ID": "2", "GITHUB_APP_PRIVATE_KEY_FILE": "/key.pem",
			}, "github",
			GitHub{Repository: "acme/checkout", AppID: 1, AppInstallationID: 2, AppPrivateKeyFile: "/key.pem"}, nil,
		},
		"another tracker": {map[string]string{"TRACKER": "local", "GITHUB_REPOSITORY": "acme/checkout", "GITHUB_TOKEN": "secret"}, "local", GitHub{}, nil},
		"a token alone":   {map[string]string{"GITHUB_TOKEN": "secret"}, "local", GitHub{}, nil},
		"nothing else": {map[string]string{"TRACKER": "github"}, "", GitHub{}, []string{
			"POSTBURN_GITHUB_REPOSITORY is missing: set it to owner/name",
			"POSTBURN_GITHUB_TOKEN is missing: " + choice,
		}},
		"all wrong": {map[string]string{
			"GITHUB_REPOSITORY": "checkout", "GITHUB_URL": "secret", "GITHUB_APP_ID": "x", "GITHUB_APP_INSTALLATION_ID": "-1", "GITHUB_APP_PRIVATE_KEY_FILE": "k",
		}, "", GitHub{}, []string{
			"POSTBURN_GITHUB_URL must be a URL like https://github.example.org/api/v3",
			`POSTBURN_GITHUB_APP_ID must be a number above 0, not "x"`,
			`POSTBURN_GITHUB_APP_INSTALLATION_ID must be a number above 0, not "-1"`,
			`POSTBURN_GITHUB_REPOSITORY must be owner/name, not "checkout"`,
		}},
		"two ways": {map[string]string{"GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": "secret", "GITHUB_APP_ID": "1"}, "", GitHub{}, []string{
			"POSTBURN_GITHUB_TOKEN is one way to authenticate, and there are 2: " + choice,
		}},
		"half an app": {map[string]string{"GITHUB_REPOSITORY": "a/b", "GITHUB_APP_ID": "1"}, "", GitHub{}, []string{
			"POSTBURN_GITHUB_APP_INSTALLATION_ID is missing: an app needs its ID, its installation's ID and its private key",
			"POSTBURN_GITHUB_APP_PRIVATE_KEY_FILE is missing: an app needs its ID, its installation's ID and its private key",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p"}
			for name, value := range tc.set {
				set[Prefix+name] = value
			}
			env, err := LoadEnvironment(t.Context(), envconfig.MapLookuper(set))
			if tc.wrong != nil {
				if diff := cmp.Diff(tc.wrong, strings.Split(fmt.Sprint(err), "\n")); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, env.GitHub, cmp.AllowUnexported(URL{}, Secret{})); diff != "" || env.Tracker != tc.tracker {
				t.Errorf("tracker %q (-want +got):\n%s", env.Tracker, diff)
			}
		})
	}
}

func TestLoadGitHub(t *testing.T) {
	for name, tc := range map[string]struct {
		set   map[string]string // without POSTBURN_
		want  GitHub
		ok    bool
		wrong string
	}{
		"another tracker":          {map[string]string{}, GitHub{}, false, ""},
		"local, with a repository": {map[string]string{"TRACKER": "local", "GITHUB_REPOSITORY": "a/b"}, GitHub{}, false, ""},
		"a repository":             {map[string]string{"GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN_FILE": "t", "DELAY": "soon"}, GitHub{Repository: "a/b", TokenFile: "t"}, true, ""},
		"no token":                 {map[string]string{"GITHUB_REPOSITORY": "a/b"}, GitHub{}, true, "POSTBURN_GITHUB_TOKEN is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{}
			for name, value := range tc.set {
				set[Prefix+name] = value
			}
			got, ok, err := LoadGitHub(t.Context(), envconfig.MapLookuper(set))
			if ok != tc.ok || tc.wrong == "" && err != nil || !strings.Contains(fmt.Sprint(err), tc.wrong) {
				t.Errorf("got %v and %v, want %v and %q", ok, err, tc.ok, tc.wrong)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(URL{}, Secret{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretIsHidden(t *testing.T) {
	env := Environment{GitHub: GitHub{Token: Secret{"hunter2"}}}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("starting", "env", env, "token", env.GitHub.Token)
	}
	text, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(text) + fmt.Sprintf("%v %+v %#v %s %q", env, env, env, env.GitHub.Token, env.GitHub.Token)
	if strings.Contains(shown, "hunter2") || !strings.Contains(shown, hidden) {
		t.Errorf("the secret is shown: %s", shown)
	}
	if env.GitHub.Token.Reveal() != "hunter2" {
		t.Error("Reveal hides the secret")
	}
}
