package config

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Key is a key of an SLO file. The table of them says which keys a mapping may have, and which one
// a misspelt key may have meant; what messages call a key's value; what is missing; and what holds
// if a key is not there. What a value means is read by the function of the same name.
type Key struct {
	In      string // the mapping that has it: "incident.quiet"; empty: an slo, and defaults
	Name    string
	Type    Type
	Choices []string // the only values; nil: others
	Value   string   // what a value is, for people: "a duration like 15m"
	Default string   // the default, as written in a file; empty: none, or not fixed
	Missing string   // what to do if the key is not there; empty: it may be left out
	OnlySLO bool     // defaults can't have it
	About   string

	path string // see Path; only in schemas
}

// Path names the key in messages and docs: "incident.quiet.below".
func (k Key) Path() string { return pathIn(k.In) + k.Name }

func pathIn(mapping string) string {
	if mapping == "" || mapping == inFile || mapping == inConfig {
		return ""
	}
	return mapping + "."
}

// Keys returns the keys of an SLO file.
func Keys() []Key { return slices.Clone(keys) }

// inFile is the mapping at the root of a file. Messages name its keys without it.
const inFile = "file"

// Values of several keys.
const (
	likeSelector  = `a selector like http_requests_total{job="checkout"}`
	likeHistogram = `a selector like http_request_duration_seconds{job="checkout"}`
	likeAmount    = `PromQL that has a number at a time, like sum(rate(http_requests_total[5m]))`
	likeTruth     = "true or false"
	likeLabels    = "label names"
)

var keys = []Key{
	{In: inFile, Name: "defaults", Type: ofDefaults, Value: "keys of an slo", About: "what holds for all slos of the document that do not say otherwise"},
	{In: inFile, Name: "slos", Type: ofSLOs, Value: "slos", About: "the objectives"},

	{Name: "name", Type: ofName, Value: "a name like checkout-availability", Missing: "give it one like checkout-availability", OnlySLO: true, About: "names the objective; unique in all files"},
	{Name: "service", Type: ofLine, Value: "the name of a service", Missing: "say whose objective it is", About: "the service that it is about"},
	{Name: "description", Type: ofText, Value: "text", About: "what it promises, for the post-mortem"},
	{Name: "owner", Type: ofLine, Value: `a GitHub user or team like "@acme/checkout"`, About: "who owns it"},
	{Name: "target", Type: ofTarget, Value: "a percentage like 99.9%", Missing: "say how much has to be good, like 99.9%", About: "the share of events that has to be good"},
	{Name: "window", Type: ofWindow, Value: "a duration like 30d, or {calendar: month}", Default: "30d", About: "the time over which the target holds"},
	{Name: "source", Type: ofName, Value: "the name of a source", About: "the Prometheus, or the tenant of one, that has its series, by its name in POSTBURN_CONFIG_FILE; default is that of POSTBURN_PROMETHEUS_URL"},
	{Name: "indicator", Type: ofMapping, Value: "one of ratio, latency, bool and sampled", Missing: "say what is measured, with indicator.ratio, latency, bool or sampled", About: "what is measured"},
	{Name: "group_by", Type: ofGroups, Value: likeLabels, About: "one history and one set of breaches for each set of these labels' values"},
	{Name: "delay", Type: ofDuration, Value: "a duration like 2m", About: "how long after a tick its sample is taken; POSTBURN_DELAY if it is not there"},
	{Name: "exclude", Type: ofQuery, Value: "PromQL that is true while work is planned, like maintenance_mode == 1", About: "when work is planned"},
	{Name: "incident", Type: ofMapping, Value: "what counts as an incident", About: "what counts as an incident"},
	{Name: "issue", Type: ofMapping, Value: "how incidents are published", About: "how incidents are published"},
	{Name: "evidence", Type: ofMapping, Value: "what else to look at", About: "what else to look at around an incident"},
	{Name: "report", Type: ofMapping, Value: "what becomes of reports", About: "reports on months"},
	{Name: "links", Type: ofLinks, Value: "names of URLs", About: "where to look, for the post-mortem"},

	{In: "window", Name: "calendar", Type: ofChoice, Choices: []string{"week", "month", "quarter"}, Value: "week, month or quarter", Missing: "it is week, month or quarter", About: "the period that the window is"},
	{In: "window", Name: "timezone", Type: ofString, Value: "the name of a time zone like Europe/Berlin", About: "when a day begins; UTC if it is not there"},

	{In: "indicator", Name: "ratio", Type: ofMapping, Value: "bad or good, and total", About: "counters of events"},
	{In: "indicator", Name: "latency", Type: ofMapping, Value: "histogram and threshold", About: "a histogram of how long events took"},
	{In: "indicator", Name: "bool", Type: ofQuery, Value: "PromQL that is true or false, like max(queue_length) < 100", About: "a condition, counted once a tick"},
	{In: "indicator", Name: "sampled", Type: ofMapping, Value: "error_ratio, or bad and total", About: "any PromQL, measured once a tick"},
	{In: "indicator.ratio", Name: "bad", Type: ofQuery, Value: likeSelector, About: "the bad events"},
	{In: "indicator.ratio", Name: "good", Type: ofQuery, Value: likeSelector, About: "the good events, in place of the bad ones"},
	{In: "indicator.ratio", Name: "total", Type: ofQuery, Value: likeSelector, About: "all events"},
	{In: "indicator.latency", Name: "histogram", Type: ofQuery, Value: likeHistogram, Missing: "give it " + likeHistogram, About: "the histogram, by its own name"},
	{In: "indicator.latency", Name: "threshold", Type: ofShortDuration, Value: "a duration like 500ms", Missing: "say how long is still good, with a duration like 500ms", About: "up to which events are good"},
	{In: "indicator.latency", Name: "unit", Type: ofChoice, Choices: []string{"seconds", "milliseconds", "microseconds", "nanoseconds"}, Value: "seconds, milliseconds, microseconds or nanoseconds", About: "what 1 means in the histogram; seconds if it is not there"},
	{In: "indicator.sampled", Name: "bad", Type: ofQuery, Value: likeAmount, About: "the bad events"},
	{In: "indicator.sampled", Name: "total", Type: ofQuery, Value: likeAmount, About: "all events"},
	{In: "indicator.sampled", Name: "error_ratio", Type: ofQuery, Value: "PromQL that is between 0 and 1, like job:errors:ratio_rate5m", About: "the share of bad events"},

	{In: "incident", Name: "burn", Type: ofRules, Value: "rules like {rate: 14.4, long: 1h, short: 5m}", About: "the rules; the SRE Workbook's, scaled to the window, if they are not there"},
	{In: "incident", Name: "budget", Type: ofTruth, Value: likeTruth, Default: "true", About: "whether missing the target over the whole window is a breach of its own"},
	{In: "incident", Name: "min_bad_events", Type: ofWhole, Value: "a whole number of events like 10", Default: "10", About: "how many bad events a rule's long window holds at least; 0 for sampled if it is not there"},
	{In: "incident", Name: "hold", Type: ofDuration, Value: "a duration like 5m", About: "for how long it must be well again; the short window of the fastest rule that fired if it is not there"},
	{In: "incident", Name: "merge_gap", Type: ofDuration, Value: "a duration like 30m", Default: "30m", About: "a breach that comes back sooner is the same incident"},
	{In: "incident", Name: "group", Type: ofChoice, Choices: []string{"service", "slo"}, Value: "service or slo", Default: "service", About: "breaches of one group share an incident"},
	{In: "incident", Name: "severity", Type: ofSeverities, Value: "levels with thresholds", Default: "{1: {outage: 5m}, 2: {budget_spent: 10%}}", About: "how bad an incident is"},
	{In: "incident", Name: "blind", Type: ofMapping, Value: "after and issue", About: "when missing data is worth an issue"},
	{In: "incident", Name: "quiet", Type: ofMapping, Value: "below, after and issue", About: "when traffic is too low"},
	{In: "incident.burn", Name: "rate", Type: ofRate, Value: "a number like 14.4", About: "the burn rate above which the rule fires"},
	{In: "incident.burn", Name: "long", Type: ofDuration, Value: "a duration like 1h", About: "the long window"},
	{In: "incident.burn", Name: "short", Type: ofDuration, Value: "a duration like 1h", About: "the short window"},
	{In: "incident.severity", Name: "outage", Type: ofDuration, Value: "a duration like 5m", About: "from which length of an outage"},
	{In: "incident.severity", Name: "budget_spent", Type: ofShare, Value: "a percentage like 10%", About: "from which share of the error budget"},
	{In: "incident.blind", Name: "after", Type: ofDuration, Value: "a duration like 15m", Default: "15m", About: "for how long there is no data"},
	{In: "incident.blind", Name: "issue", Type: ofTruth, Value: likeTruth, Default: "false", About: "whether that opens an issue"},
	{In: "incident.quiet", Name: "below", Type: ofShare, Value: "a percentage like 10%", Default: "10%", About: "the share of the usual traffic"},
	{In: "incident.quiet", Name: "after", Type: ofDuration, Value: "a duration like 15m", Default: "15m", About: "for how long there is less"},
	{In: "incident.quiet", Name: "issue", Type: ofTruth, Value: likeTruth, Default: "false", About: "whether that opens an issue"},

	{In: "issue", Name: "repository", Type: ofRepository, Value: "owner/name", About: "the GitHub repository for its post-mortems; POSTBURN_GITHUB_REPOSITORY if it is not there"},
	{In: "issue", Name: "labels", Type: ofLabels, Value: likeLabels, About: "labels besides postburn's own"},
	{In: "issue", Name: "assign", Type: ofChoice, Choices: []string{"owner", "mention", "none"}, Value: "owner, mention or none", Default: "owner", About: "what is done with the owner"},
	{In: "issue", Name: "template", Type: ofString, Value: "the name of a file like checkout.md.tmpl", About: "what writes its issues; the built-in text if it is not there"},
	{In: "issue", Name: "post_mortem_at", Type: ofShare, Value: "a percentage like 10%", Default: "0%", About: "the share of the error budget from which an issue has the form of the analysis"},
	{In: "issue", Name: "lint", Type: ofTruth, Value: likeTruth, Default: "true", About: "whether a closed post-mortem gets a comment with what it lacks"},
	{In: "issue", Name: "remind_after", Type: ofDurationOrOff, Value: "a duration like 30d, or off", Default: "30d", About: "for how long a follow-up is open until the post-mortem gets a reminder; off for none"},

	{In: "report", Name: "issue", Type: ofTruth, Value: likeTruth, Default: "false", About: "whether the repository of its post-mortems gets an issue each month, with a report on the month before"},

	{In: "evidence", Name: "queries", Type: ofQueries, Value: "names of PromQL", About: "queries that are looked at around an incident"},
	{In: "evidence", Name: "repository", Type: ofRepository, Value: "owner/name", About: "the GitHub repository whose deployments, releases and merges are told of"},
}

// keyAt returns the key of a path.
func keyAt(path string) Key {
	return keys[slices.IndexFunc(keys, func(k Key) bool { return k.Path() == path })]
}

// schema is what keys a mapping may have.
type schema struct {
	of   string // what has these keys, for people: "an slo"
	path string // before a key's name: "incident."
	keys []Key  // nil: any key is fine
}

// schemaOf returns the schema of the mapping that keys are in; `of` is what people call it.
func schemaOf(in, of string) schema {
	return schema{of: of, path: pathIn(in), keys: keysIn[in]}
}

// keysIn are the keys by the mapping that has them.
var keysIn = func() map[string][]Key {
	all := map[string][]Key{}
	for _, k := range slices.Concat(keys, configKeys) {
		k.path = k.Path()
		all[k.In] = append(all[k.In], k)
	}
	return all
}()

func (s schema) names() (names []string) {
	for _, k := range s.keys {
		names = append(names, k.Name)
	}
	return names
}

// defaultValues are the default values by the paths of their keys.
var defaultValues = func() map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	for _, k := range keys {
		if k.Default == "" {
			continue
		}
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(k.Default), &root); err != nil {
			panic("the default of " + k.Path() + " is no YAML: " + err.Error())
		}
		values[k.Path()] = root.Content[0]
	}
	return values
}()

// field is one for a key's value.
func (s schema) field(d *document, name string, key, value *yaml.Node) field {
	f := field{doc: d, key: key, value: value}
	if i := slices.IndexFunc(s.keys, func(k Key) bool { return k.Name == name }); i >= 0 {
		f.path, f.like = s.keys[i].path, s.keys[i].Value
	}
	if len(f.path) != len(s.path)+len(name) { // no key of the table, or in one of many mappings
		f.path = s.path + name
	}
	return f
}

// orDefaults adds the default values of a mapping's keys that are not there.
func (d *document) orDefaults(found fields, in string) fields {
	all, s := fields{}, schemaOf(in, in)
	maps.Copy(all, found)
	for _, k := range s.keys {
		if _, there := all[k.Name]; there || k.Default == "" {
			continue
		}
		value := defaultValues[k.Path()]
		all[k.Name] = s.field(d, k.Name, value, value)
	}
	return all
}
