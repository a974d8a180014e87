// Package config reads what people write: SLO files (YAML) and the daemon's environment. It finds
// everything that is wrong in one go and says where, and what would be right. It does not ask
// Prometheus, and it does not know what a breach is: package alert does.
//
// Start reading at Load, then Native. The files:
//
//	config.go       Definition, Position, Problem: what comes out
//	load.go         Load: paths into files, files into definitions of all formats
//	native.go       Native: one file, its defaults and its slos
//	definition.go   an slo over its defaults, which are read once
//	keys.go         the table of all keys of an SLO file
//	schema.go       Schema: the table as JSON Schema, for editors
//	format.go       Format, Convert: files of other tools, told by what their documents say
//	node.go         Node: a value in such a file
//	translation.go  SLO: an objective in native form, made of such values
//	document.go     a file's text: positions, problems, and how much is read at most
//	mapping.go      a field and the values of any kind; mappings with merge keys and aliases
//	value.go        names, targets, durations, numbers, PromQL
//	window.go, indicator.go, incident.go, severity.go, issue.go, evidence.go, template.go
//	                what each part of an slo says
//	nearest.go      the key that a misspelt one may have meant
//	environment.go, github.go, sources.go, bounds.go
//	                the environment, the file of sources, and what SLO files may name
package config
