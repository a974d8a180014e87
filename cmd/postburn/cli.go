package main

import (
	"context"
	"io"

	"github.com/alecthomas/kong"
	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/config"
)

// cli is the command line: flags of all commands, and the commands.
type cli struct {
	Prometheus string `help:"Address of Prometheus, such as http://prometheus:9090 ($$POSTBURN_PROMETHEUS_URL)." placeholder:"URL"`

	Run     runCommand     `cmd:"" help:"Watch the objectives and write post-mortems, until stopped. All settings are variables: see docs/running.md."`
	Check   checkCommand   `cmd:"" help:"Report everything that is wrong with SLO files."`
	Replay  replayCommand  `cmd:"" help:"Show which incidents these SLO files would have opened."`
	Suggest suggestCommand `cmd:"" help:"Show how many incidents an objective would have had with other targets and thresholds."`
	Convert convertCommand `cmd:"" help:"Write SLO files of Sloth, Pyrra and OpenSLO as one native file."`
	Schema  schemaCommand  `cmd:"" help:"Print the JSON Schema of an SLO file, for editors."`
	Lint    lintCommand    `cmd:"" help:"Say what post-mortems lack: empty sections, causes that stop at a person, follow-ups that nobody owns."`
	Drill   drillCommand   `cmd:"" help:"Write a failure that did not happen, in numbers of an objective's own, for a team to talk through."`
	Report  reportCommand  `cmd:"" help:"Say how a month, a quarter or the last days went, beside the time before, and what came back."`
	Archive archiveCommand `cmd:"" help:"Keep finished post-mortems as Markdown files, with an index."`
	Store   storeCommand   `cmd:"" help:"Check or back up the store."`
	Version versionCommand `cmd:"" help:"Print the version of this build."`
}

// surroundings are the parts of the process that a command may use, such as its output.
type surroundings struct {
	lookuper envconfig.Lookuper // of the environment, overlaid with flags
	stdout   io.Writer          // results
	stderr   io.Writer          // progress and problems
}

// run parses the arguments and runs the command that they name.
func run(ctx context.Context, args []string, lookuper envconfig.Lookuper, stdout, stderr io.Writer) error {
	var commands cli
	helped := false
	parser, err := kong.New(&commands,
		kong.Name("postburn"),
		kong.Description("SLO burn in, post-mortem out.\n\nExit codes: 0 fine, 1 found something wrong, 2 wrong usage."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil // what is missing beside --help is no mistake
	}
	if err != nil {
		return usageError{err}
	}
	if commands.Prometheus != "" {
		flags := envconfig.MapLookuper(map[string]string{config.Prefix + "PROMETHEUS_URL": commands.Prometheus})
		lookuper = envconfig.MultiLookuper(flags, lookuper)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(surroundings{lookuper: lookuper, stdout: stdout, stderr: stderr})
}
