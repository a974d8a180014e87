package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	httpconfig "github.com/prometheus/common/config"

	"github.com/postburn/postburn/slo"
)

// Prometheus is one server to read samples from, or one tenant of a server.
type Prometheus struct {
	URL               URL
	ConfigFile        string                 // in the form of prometheus/common; empty: none
	Headers           map[string]HeaderValue // of each query, by name
	ExternalURL       URL                    // for links on pages; empty: none
	GrafanaDataSource string                 // its UID in Grafana; empty: the default one
}

// HeaderValue is the value of a header, which may be secret.
type HeaderValue struct {
	Value Secret
	File  string // has the value, and is read for each query; empty: Value is it
}

// Servers returns all sources by name. The default one has none.
func (s Source) Servers() map[string]Prometheus {
	all := maps.Clone(s.Named)
	if all == nil {
		all = map[string]Prometheus{}
	}
	if s.PrometheusURL != (URL{}) {
		all[""] = Prometheus{URL: s.PrometheusURL, ConfigFile: s.PrometheusConfigFile}
	}
	return all
}

// SourceNames returns what SLO files may name as `source`.
func (s Source) SourceNames() []string {
	names := slices.Sorted(maps.Keys(s.Named))
	if s.PrometheusURL != (URL{}) {
		names = slices.Insert(names, 0, slo.DefaultSource)
	}
	return names
}

// Servers is that of the Source, with where people look at the default one, too.
func (e Environment) Servers() map[string]Prometheus {
	all := e.Source.Servers()
	if p, ok := all[""]; ok {
		p.ExternalURL, p.GrafanaDataSource = e.PrometheusExternalURL, e.GrafanaDataSource
		all[""] = p
	}
	return all
}

// ownFiles returns the files that sources are set up with, which may hold secrets.
func (s Source) ownFiles() []string {
	files := []string{s.PrometheusConfigFile, s.ConfigFile}
	for _, p := range s.Named {
		files = append(files, p.ConfigFile)
		for _, h := range p.Headers {
			files = append(files, h.File)
		}
	}
	return files
}

// The mappings of the file that POSTBURN_CONFIG_FILE names.
const (
	inConfig  = "config file"
	inSource  = "prometheus"
	inHeaders = "prometheus.headers"
)

// likeHeader is what the value of a header is.
const likeHeader = "a text, or {file: NAME} for the content of a file"

// configKeys are the keys of the file that POSTBURN_CONFIG_FILE names.
var configKeys = []Key{
	{In: inConfig, Name: "prometheus", Type: ofSources, Value: "sources by name", About: "further Prometheus servers, or tenants of one, that an slo names as its source"},

	{In: inSource, Name: "url", Type: ofURL, Value: "a URL like http://prometheus:9090", Missing: "give it a URL like http://prometheus:9090", About: "the address of the server, without /api/v1"},
	{In: inSource, Name: "config_file", Type: ofString, Value: "the name of a file", About: "authentication, TLS and proxy, in the form of Prometheus' http_config"},
	{In: inSource, Name: "headers", Type: ofHeaders, Value: "names of headers with their values", About: "what is sent with each query, such as a tenant's X-Scope-OrgID"},
	{In: inSource, Name: "external_url", Type: ofURL, Value: "a URL like https://prometheus.example.org", About: "the address at which people reach it"},
	{In: inSource, Name: "grafana_data_source", Type: ofLine, Value: "the UID of a data source", About: "the data source in Grafana with the same samples; Grafana's default one if it is not there"},

	{In: inHeaders, Name: "file", Type: ofString, Value: "the name of a file", Missing: "name a file that has the value", About: "the file with the value, read for each query"},
}

// ConfigSchema returns the JSON Schema of the file that POSTBURN_CONFIG_FILE names, of draft
// 2020-12.
func ConfigSchema() ([]byte, error) {
	return writeSchema(mappingSchema(inConfig), "Config file of postburn")
}

// readConfig reads the sources of a config file. Files that it names are relative to its folder. No
// problem shows a value of the file: it may be secret.
func readConfig(name string) (map[string]Prometheus, []Problem) {
	content, err := readFile(name)
	if err != nil {
		return nil, []Problem{unreadable(name, err)}
	}
	d := newDocument(content, name)
	d.isSecret = true
	sources := map[string]Prometheus{}
	for n, root := range d.parse(content) {
		if n > 0 {
			d.errorf(root, "a second document: the file has one")
			break
		}
		file, _ := field{doc: d, key: root, value: root}.mapping(schemaOf(inConfig, "the config file"))
		if f, ok := file["prometheus"]; ok {
			named, _ := f.mapping(schema{of: "prometheus", path: "prometheus."})
			for name, f := range named {
				sources[name] = readSource(name, f)
			}
		}
	}
	return sources, tidy(d.problems)
}

// readSource reads one source.
func readSource(name string, f field) (p Prometheus) {
	switch {
	case name == slo.DefaultSource:
		f.wrongKey("the name default is that of the source of %sPROMETHEUS_URL; give this one another", Prefix)
	case !isName(name) || len(name) > maxName:
		f.wrongKey("the name of a source must be made of a-z, 0-9 and -, at most %d of them", maxName)
	}
	found, ok := f.mapping(schemaOf(inSource, "a source"))
	if !ok {
		return p
	}
	if url, ok := found["url"]; ok {
		p.URL = url.address("http://prometheus:9090", false)
	} else {
		f.errorf("%s.url is missing; %s", quoteName(f.path), configKeys[1].Missing)
	}
	if file, ok := found["config_file"]; ok {
		p.ConfigFile = file.fileName()
	}
	if url, ok := found["external_url"]; ok {
		p.ExternalURL = url.address("https://prometheus.example.org", true)
	}
	if uid, ok := found["grafana_data_source"]; ok {
		p.GrafanaDataSource = uid.shortText()
	}
	if headers, ok := found["headers"]; ok {
		p.Headers = readHeaders(headers)
	}
	return p
}

// address reads a URL. One that pages show may hold nothing secret.
func (f field) address(like string, shown bool) URL {
	text, ok := f.scalar()
	u := URL{text}
	switch {
	case !ok:
	case !isWebURL(text):
		f.errorf("%s must be a URL like %s", f.path, like)
	case shown && u.String() != text:
		f.errorf("%s must have no user, query or fragment, like %s: pages show it", f.path, like)
	}
	return u
}

// fileName reads the name of a file, in the folder of the config file if it is relative.
func (f field) fileName() string {
	text, ok := f.scalar()
	switch {
	case !ok:
		return ""
	case text == "" || tokenForm.MatchString(text) || strings.Contains(text, "-----BEGIN"):
		f.errorf("%s must be the name of a file, not its content", f.path)
	}
	if filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(filepath.Dir(f.doc.name), text)
}

// headerName matches the names of headers: https://www.rfc-editor.org/rfc/rfc9110#name-field-names
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")

// readHeaders reads headers and their values.
func readHeaders(f field) map[string]HeaderValue {
	found, _ := f.mapping(schema{of: "headers", path: "headers."})
	headers := map[string]HeaderValue{}
	for name, h := range found {
		canonical := http.CanonicalHeaderKey(name)
		_, reserved := httpconfig.ReservedHeaders[canonical]
		_, twice := headers[canonical]
		switch {
		case !headerName.MatchString(name):
			h.wrongKey("a header's name is like X-Scope-OrgID")
		case reserved:
			h.wrongKey("%s can't be set here; credentials are for config_file", canonical)
		case twice:
			h.wrongKey("the header %s is there twice", canonical)
		}
		h.path, h.like = "the value of a header", likeHeader
		headers[canonical] = readHeader(h)
	}
	return headers
}

func readHeader(f field) (h HeaderValue) {
	if len(f.value.Content) > 0 { // a mapping, or a list, which is an error
		found, ok := f.mapping(schemaOf(inHeaders, "a header"))
		if file, there := found["file"]; there {
			h.File = file.fileName()
		} else if ok {
			f.errorf("file is missing; %s", configKeys[len(configKeys)-1].Missing)
		}
		return h
	}
	text, ok := f.scalar()
	if ok && (text == "" || strings.ContainsFunc(text, unicode.IsControl) || strings.TrimSpace(text) != text) {
		f.errorf("%s must be a text on one line", f.path)
	}
	return HeaderValue{Value: Secret{text}}
}

// quotedText matches what messages quote of a file, and what is before a key.
var quotedText = regexp.MustCompile("(key )?(\"(?:[^\"\\\\]|\\\\.)*\"|'[^' ]*'|`[^`]*`)")

// hideValues returns a message without what it quotes. Keys stay, unless they don't look like one.
func hideValues(text string) string {
	return quotedText.ReplaceAllStringFunc(text, func(found string) string {
		parts := quotedText.FindStringSubmatch(found)
		if parts[1] != "" && keyForm.MatchString(strings.Trim(parts[2], `"`)) {
			return found
		}
		return parts[1] + "(hidden)"
	})
}

var keyForm = regexp.MustCompile(`^[A-Za-z_-]{1,30}$`)

// checkSource returns a problem if a definition's source is none of those that there are.
func (b Bounds) checkSource(d Definition) (p Problem, wrong bool) {
	name := cmp.Or(d.Objective.Source, slo.DefaultSource)
	if b.Sources == nil || slices.Contains(b.Sources, name) {
		return p, false
	}
	there := strings.Join(b.Sources, ", ")
	text := fmt.Sprintf("source: there is no source %q; %sCONFIG_FILE has %s", name, Prefix, there)
	switch likely := nearest(name, b.Sources); {
	case d.Objective.Source == "":
		text = fmt.Sprintf("source is missing; without %sPROMETHEUS_URL there is no default one: name one of %s", Prefix, there)
	case likely != "":
		text = fmt.Sprintf("source: there is no source %q; did you mean %s?", name, likely)
	case len(b.Sources) == 1 && b.Sources[0] == slo.DefaultSource:
		text = fmt.Sprintf("source: there is no source %q; there is only the default one, and %sCONFIG_FILE can name more", name, Prefix)
	}
	return Problem{Position: d.At("source"), Text: text}, true
}
