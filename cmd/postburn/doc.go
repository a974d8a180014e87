// Command postburn watches SLOs in Prometheus, records breach windows, and writes post-mortems.
// This package is the command line; the work is done by the packages that it wires.
//
// Start reading at cli in cli.go, and go on with the command of your choice. For example, `postburn
// check --online FILE` is checkCommand.Run in check.go. The files:
//
//	main.go        signals, exit codes
//	cli.go         cli: flags of all commands, and the commands
//	terminal.go    makes text of others harmless on a terminal
//	run.go         postburn run: the daemon, which is cmd/internal/daemon
//	check*.go      postburn check: SLO files; with --online also on Prometheus and GitHub
//	collector.go   how much memory the daemon lets garbage take
//	traffic.go     objectives with too little traffic for their rules
//	replay*.go     postburn replay: the incidents that SLO files would have opened
//	table.go       its output for people
//	storms.go      incidents that would have been a storm
//	issues.go      its post-mortems, as files
//	corrections.go exclusions that a replay takes into account
//	suggest*.go    postburn suggest: one objective with many targets
//	convert.go     postburn convert: foreign SLO files
//	report.go      postburn report: how a month went
//	drill*.go      postburn drill: a failure that did not happen, or that a team makes happen
//	lint*.go       postburn lint: what a post-mortem lacks
//	archive*.go    postburn archive: finished post-mortems as files
//	store.go       postburn store: backups and checks of the store
//	schema.go      postburn schema; version.go: postburn version
package main
