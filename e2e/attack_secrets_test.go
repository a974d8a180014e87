//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttackSecrets puts secrets where they don't belong. What is printed says what is wrong, and
// not the secret: it ends up in logs that many can read.
func TestAttackSecrets(t *testing.T) {
	t.Parallel()
	const secret = "ghp_hunter2hunter2hunter2hunter2hunt"
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	slos := write("slos.yaml", onlyBurns())
	github := func(variables ...string) []string {
		return append([]string{"POSTBURN_GITHUB_REPOSITORY=acme/checkout"}, variables...)
	}
	for _, tc := range []struct {
		tried string
		env   []string
		want  string // in what is printed
	}{
		{"for the name of the token's file", github("POSTBURN_GITHUB_TOKEN_FILE=" + secret), "POSTBURN_GITHUB_TOKEN_FILE must be the name of a file"},
		{"for the repository", []string{"POSTBURN_GITHUB_REPOSITORY=" + secret, "POSTBURN_GITHUB_TOKEN=x"}, "POSTBURN_GITHUB_REPOSITORY must be owner/name"},
		{"for an app's ID", github("POSTBURN_GITHUB_APP_ID="+secret, "POSTBURN_GITHUB_APP_INSTALLATION_ID=1", "POSTBURN_GITHUB_APP_PRIVATE_KEY_FILE=x"), "POSTBURN_GITHUB_APP_ID must be a number"},
		{"for an app's key's file", github("POSTBURN_GITHUB_APP_ID=1", "POSTBURN_GITHUB_APP_INSTALLATION_ID=1", "POSTBURN_GITHUB_APP_PRIVATE_KEY_FILE=-----BEGIN KEY-----\n"+secret), "APP_PRIVATE_KEY_FILE must be the name of a file"},
		{"for GitHub's URL", github("POSTBURN_GITHUB_URL="+secret, "POSTBURN_GITHUB_TOKEN=x"), "POSTBURN_GITHUB_URL must be a URL"},
		{"in a URL of Prometheus that is none", []string{"POSTBURN_PROMETHEUS_URL=http://me:" + secret + "@host:port"}, "POSTBURN_PROMETHEUS_URL must be a URL"},
		{"for a proxy", []string{"POSTBURN_PROMETHEUS_CONFIG_FILE=" + write("proxy.yaml", "proxy_url: 'http://me:"+secret+"@%zz'")}, "a URL in it is malformed"},
		{"where keys of the http config belong", []string{"POSTBURN_PROMETHEUS_CONFIG_FILE=" + write("scalar.yaml", "basic_auth: "+secret)}, "a value of the wrong kind"},
		{"for the whole http config", []string{"POSTBURN_PROMETHEUS_CONFIG_FILE=" + write("whole.yaml", secret)}, "a value of the wrong kind"},
		{"for the web config", []string{"POSTBURN_WEB_CONFIG_FILE=" + write("web.yaml", "basic_auth_users: "+secret)}, "reading the web config: yaml: unmarshal errors: line 1: a value of the wrong kind"},
		{"for a hash in the web config", []string{"POSTBURN_WEB_CONFIG_FILE=" + write("hash.yaml", "basic_auth_users: {people: "+secret+"}")}, "reading the web config: "},
		{"for a header of the web config", []string{"POSTBURN_WEB_CONFIG_FILE=" + write("header.yaml", "http_server_config: {headers: {X-Frame-Options: "+secret+"}}")}, "reading the web config: "},
		{"for the log's level", []string{"POSTBURN_LOG_LEVEL=" + secret}, "POSTBURN_LOG_LEVEL must be"},
		{"for the store", []string{"POSTBURN_STORE=" + secret}, "POSTBURN_STORE must be sqlite:PATH"},
	} {
		attack(t, "reads the log", "a secret was given "+tc.tried, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary, "run")
			cmd.Env = append(os.Environ(), "POSTBURN_PROMETHEUS_URL=http://127.0.0.1:1", "POSTBURN_SLO_PATH="+slos, "POSTBURN_LISTEN=127.0.0.1:0",
				"POSTBURN_STORE=sqlite:"+filepath.Join(t.TempDir(), "postburn.db"))
			cmd.Env = append(cmd.Env, tc.env...)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v; want %q in\n%s", err, tc.want, out)
			}
			if strings.Contains(string(out), "hunt") {
				t.Errorf("the secret is in\n%s", out)
			}
		})
	}
}
