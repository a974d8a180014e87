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
	Prometheus string `help:"Where Prometheus is; default: $$POSTBURN_PROMETHEUS_URL." placeholder:"URL"`

	Run     runCommand     `cmd:"" help:"Run the daemon."`
	Check   checkCommand   `cmd:"" help:"Validate SLO files."`
	Replay  replayCommand  `cmd:"" help:"Fold a stretch of the past, as the daemon would have done."`
	Version versionCommand `cmd:"" help:"Print which build this is."`
}

// surroundings are what a command may use of the process.
type surroundings struct {
	lookuper envconfig.Lookuper // of the environment, with the flags that replace variables laid over it
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
