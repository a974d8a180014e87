package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/sethvargo/go-envconfig"
	"go.yaml.in/yaml/v4"
)

// sourceFile writes a config file, and returns its name.
func sourceFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const tenants = `
prometheus:
  payments:
    url: https://mimir.example.org/prometheus
    config_file: mimir.yaml
    headers:
      X-Scope-OrgID: payments
      x-api-key: {file: /run/secrets/key}
    external_url: https://grafana.example.org/mimir
    grafana_data_source: mimir-payments
  search: {url: "http://me:hunter2@prometheus-search:9090?token=hunter2", headers: {X-Scope-OrgID: 42}}
`

func TestSources(t *testing.T) {
	file := sourceFile(t, tenants)
	env, err := LoadEnvironment(t.Context(), envconfig.MapLookuper(map[string]string{
		"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_CONFIG_FILE": file, "POSTBURN_PROMETHEUS_EXTERNAL_URL": "https://p.example.org", "POSTBURN_GRAFANA_DATA_SOURCE": "main",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Prometheus{
		"": {URL: URL{"http://p"}, ExternalURL: URL{"https://p.example.org"}, GrafanaDataSource: "main"},
		"payments": {
			URL: URL{"https://mimir.example.org/prometheus"}, ConfigFile: filepath.Join(filepath.Dir(file), "mimir.yaml"),
			Headers:     map[string]HeaderValue{"X-Scope-Orgid": {Value: Secret{"payments"}}, "X-Api-Key": {File: "/run/secrets/key"}},
			ExternalURL: URL{"https://grafana.example.org/mimir"}, GrafanaDataSource: "mimir-payments",
		},
		"search": {URL: URL{"http://me:hunter2@prometheus-search:9090?token=hunter2"}, Headers: map[string]HeaderValue{"X-Scope-Orgid": {Value: Secret{"42"}}}},
	}
	if diff := cmp.Diff(want, env.Servers(), cmp.AllowUnexported(URL{}, Secret{})); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	bounds := env.Bounds()
	if diff := cmp.Diff([]string{"default", "payments", "search"}, bounds.Sources); diff != "" {
		t.Errorf("what SLO files may name (-want +got):\n%s", diff)
	}
	if !strings.Contains(fmt.Sprint(bounds.OwnFiles), "/run/secrets/key") || !strings.Contains(fmt.Sprint(bounds.OwnFiles), "mimir.yaml") {
		t.Errorf("files with secrets may be templates: %v", bounds.OwnFiles)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("starting", "env", env)
	text, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{log.String(), string(text), fmt.Sprintf("%v %+v %#v", env, env, env), fmt.Sprint(env.Settings())} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, `"42"`) {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
}

// TestSourcesOnly has no default source.
func TestSourcesOnly(t *testing.T) {
	env, err := LoadEnvironment(t.Context(), envconfig.MapLookuper(map[string]string{"POSTBURN_CONFIG_FILE": sourceFile(t, tenants)}))
	if err != nil {
		t.Fatal(err)
	}
	if _, has := env.Servers()[""]; has || strings.Join(env.SourceNames(), " ") != "payments search" {
		t.Errorf("sources %v", env.SourceNames())
	}
}

// TestWrongSources says what is wrong, where, and what would be right, but quotes no value.
func TestWrongSources(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a misspelt key", "promethius: {}", `1:1: unknown key "promethius"; did you mean prometheus?`},
		{"a misspelt key of a source", "prometheus: {a: {urll: http://a}}", `1:18: unknown key "urll"; did you mean url?`},
		{"an unknown key", "prometheus: {a: {url: http://a, tenant: hunter2}}", `1:33: unknown key "tenant"; a source has url, config_file, headers, external_url, grafana_data_source`},
		{"a secret for a key", "prometheus: {a: {url: http://a, hunter2=: 1}}", `1:33: unknown key (hidden); a source has url, config_file, headers, external_url, grafana_data_source`},
		{"no URL", "prometheus: {a: {headers: {X-A: hunter2}}}", `1:17: prometheus.a.url is missing; give it a URL like http://prometheus:9090`},
		{"what is no URL", "prometheus: {a: {url: 'hunter2@a'}}", `1:23: prometheus.url must be a URL like http://prometheus:9090`},
		{"the default's name", "prometheus: {default: {url: http://a}}", `1:14: the name default is that of the source of POSTBURN_PROMETHEUS_URL; give this one another`},
		{"what is no name", "prometheus: {Hunter2!: {url: http://a}}", `1:14: the name of a source must be made of a-z, 0-9 and -, at most 63 of them`},
		{"a text for a source", "prometheus: {a: hunter2}", `1:17: a source must be a mapping of keys to values, not (hidden)`},
		{"a list of headers", "prometheus: {a: {url: http://a, headers: [hunter2]}}", `1:42: headers must be a mapping of keys to values, not a list`},
		{"a header of credentials", "prometheus: {a: {url: http://a, headers: {authorization: Bearer hunter2}}}", `1:43: Authorization can't be set here; credentials are for config_file`},
		{"a header twice", "prometheus: {a: {url: http://a, headers: {X-A: hunter2, x-a: hunter2}}}", `the header X-A is there twice`},
		{"a header's name", "prometheus: {a: {url: http://a, headers: {'X A': hunter2}}}", `1:43: a header's name is like X-Scope-OrgID`},
		{"a header on two lines", `prometheus: {a: {url: http://a, headers: {X-A: "hunter2\nX-B: hunter2"}}}`, `1:48: the value of a header must be a text on one line`},
		{"an empty header", "prometheus: {a: {url: http://a, headers: {X-A: }}}", `the value of a header is empty; give it a value (a text, or {file: NAME} for the content of a file) or leave it out`},
		{"a header of nothing", "prometheus: {a: {url: http://a, headers: {X-A: {}}}}", `1:48: the value of a header must be a text, or {file: NAME} for the content of a file, not a mapping`},
		{"a header's key", "prometheus: {a: {url: http://a, headers: {X-A: {fille: hunter2}}}}", `1:49: unknown key "fille"; did you mean file?`},
		{"a token for a file", "prometheus: {a: {url: http://a, config_file: ghp_hunter2hunter2hunter2}}", `1:46: prometheus.config_file must be the name of a file, not its content`},
		{"a password that pages would show", "prometheus: {a: {url: http://a, external_url: 'https://me:hunter2@a'}}", `prometheus.external_url must have no user, query or fragment, like https://prometheus.example.org: pages show it`},
		{"no YAML", "prometheus: {a: *hunter2}", `(hidden)`},
		{"two documents", "prometheus: {a: {url: http://a}}\n---\nprometheus: {b: {url: hunter2}}", `3:1: a second document: the file has one`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := sourceFile(t, tc.text)
			_, err := LoadEnvironment(t.Context(), envconfig.MapLookuper(map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_CONFIG_FILE": file}))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "POSTBURN_CONFIG_FILE "+file+":") {
				t.Fatalf("error %v\nwant  %s", err, tc.want)
			}
			if strings.Contains(strings.ToLower(err.Error()), "hunter2") {
				t.Errorf("a value is shown: %v", err)
			}
			if strings.HasPrefix(tc.name, "a misspelt") || strings.HasPrefix(tc.name, "a text for") {
				if validConfig(t, tc.text) == nil {
					t.Error("it is valid by the schema")
				}
			}
		})
	}
	_, err := LoadEnvironment(t.Context(), envconfig.MapLookuper(map[string]string{"POSTBURN_CONFIG_FILE": filepath.Join(t.TempDir(), "none.yaml")}))
	if err == nil || !strings.Contains(err.Error(), "none.yaml: reading the file: no such file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// publishedConfig is the schema of the config file that editors get.
const publishedConfig = "../docs/config.schema.json"

func TestConfigSchemaIsPublished(t *testing.T) {
	schema, err := ConfigSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(publishedConfig, schema, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(publishedConfig); err != nil || !bytes.Equal(got, schema) {
		t.Errorf("%s is not the schema of now (go test ./config -run Published -update): %v", publishedConfig, err)
	}
	if err := validConfig(t, tenants); err != nil {
		t.Errorf("a right file: %v", err)
	}
}

// validConfig validates a config file by the schema.
func validConfig(t *testing.T, text string) error {
	t.Helper()
	schema, err := ConfigSchema()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return err
	}
	asJSON, err := json.Marshal(jsonValue(value))
	if err != nil {
		return err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return compiled.Validate(document)
}

// TestNamedSource reads sources of SLO files, and holds them to those that there are.
func TestNamedSource(t *testing.T) {
	file := func(text string) []Definition {
		t.Helper()
		definitions, problems := Native([]byte(text), "slo.yaml")
		if Failed(problems) {
			t.Fatal(problems)
		}
		return definitions
	}
	slos := func(defaults, source string) []Definition {
		return file(fmt.Sprintf("defaults: {service: a, target: 99%%, indicator: {bool: up == 1}%s}\nslos:\n  - {name: a%s}\n", defaults, source))
	}
	for _, tc := range []struct {
		name        string
		definitions []Definition
		there       []string
		source      string
		want        string
	}{
		{"none", slos("", ""), []string{"default", "payments"}, "", ""},
		{"the default one", slos("", ", source: default"), []string{"default"}, "", ""},
		{"one of those", slos("", ", source: payments"), []string{"default", "payments"}, "payments", ""},
		{"of the defaults", slos(", source: payments", ""), []string{"payments"}, "payments", ""},
		{"back to the default one", slos(", source: payments", ", source: default"), []string{"default", "payments"}, "", ""},
		{"nobody knows", slos("", ", source: payments"), nil, "payments", ""},
		{"misspelt", slos("", ", source: paymnets"), []string{"default", "payments"}, "paymnets", `slo.yaml:3:23: source: there is no source "paymnets"; did you mean payments?`},
		{"another", slos("", ", source: search"), []string{"default", "payments"}, "search", `slo.yaml:3:23: source: there is no source "search"; POSTBURN_CONFIG_FILE has default, payments`},
		{"another, in defaults", slos(", source: search", ""), []string{"default", "payments"}, "search", `slo.yaml:1:73: source: there is no source "search"; POSTBURN_CONFIG_FILE has default, payments`},
		{"there is only the default one", slos("", ", source: search"), []string{"default"}, "search", `slo.yaml:3:23: source: there is no source "search"; there is only the default one, and POSTBURN_CONFIG_FILE can name more`},
		{"there is no default one", slos("", ""), []string{"payments", "search"}, "", `slo.yaml:3:12: source is missing; without POSTBURN_PROMETHEUS_URL there is no default one: name one of payments, search`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var found []string
			for _, p := range (Bounds{Sources: tc.there}).Check(tc.definitions) {
				found = append(found, p.String())
			}
			if got := strings.Join(found, "\n"); got != tc.want || tc.definitions[0].Objective.Source != tc.source {
				t.Errorf("source %q, problems\n%s\nwant\n%s", tc.definitions[0].Objective.Source, got, tc.want)
			}
		})
	}
	_, problems := Native([]byte("slos: [{name: a, service: a, target: 99%, indicator: {bool: up == 1}, source: Payments!}]"), "slo.yaml")
	if len(problems) != 1 || problems[0].Text != `source must be made of a-z, 0-9 and -, at most 63 of them, not "Payments!"` {
		t.Error(problems)
	}
}

// TestBoundsOfSources has a check of SLO files know the sources only if it is told of them.
func TestBoundsOfSources(t *testing.T) {
	for name, tc := range map[string]struct {
		set  map[string]string
		want []string
	}{
		"no file": {map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p"}, nil},
		"a file":  {map[string]string{"POSTBURN_PROMETHEUS_URL": "http://p", "POSTBURN_CONFIG_FILE": sourceFile(t, tenants)}, []string{"default", "payments", "search"}},
	} {
		b, err := LoadBounds(t.Context(), envconfig.MapLookuper(tc.set))
		if diff := cmp.Diff(tc.want, b.Sources); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestSourcesAreExplained finds each key of the config file on its page of docs, and reads the file
// that the page shows.
func TestSourcesAreExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range configKeys {
		if !strings.Contains(string(page), k.Name+":") && !strings.Contains(string(page), "`"+k.Name+"`") {
			t.Errorf("docs/sources.md does not explain %s", k.Name)
		}
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	sources, problems := readConfig(sourceFile(t, text))
	if len(problems) > 0 || len(sources) != 3 || validConfig(t, text) != nil {
		t.Errorf("%d sources, %v, %v", len(sources), problems, validConfig(t, text))
	}
}
