package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	reports "github.com/postburn/postburn/issue/learn/report"
)

// reportCommand says how a month, a quarter or the last days went.
type reportCommand struct {
	Since   model.Duration `help:"The last days, today among them; default: 90d." placeholder:"90d" xor:"period"`
	Month   string         `help:"A month." placeholder:"2026-10" xor:"period"`
	Quarter string         `help:"A quarter." placeholder:"2026-Q4" xor:"period"`
	Service []string       `help:"Only objectives of these services." placeholder:"NAME"`
	Output  string         `help:"Format of the result: ${enum}." enum:"markdown,html,json" default:"markdown"`
	Store   string         `help:"The store's file, or its address like postgres://user@host/database; default: $$POSTBURN_STORE." placeholder:"PATH"`
}

// Run reads the store, and prints the report. A daemon may go on writing to the store.
func (c reportCommand) Run(ctx context.Context, s surroundings) error {
	now := time.Now()
	period, err := c.period(now)
	if err != nil {
		return usageError{err}
	}
	at, err := findStore(ctx, s, c.Store)
	if err != nil {
		return err
	}
	in, err := at.report(ctx, period, now)
	if err != nil {
		return err
	}
	if len(c.Service) > 0 {
		in = in.Of(c.Service...)
	}
	text, err := c.write(reports.Make(in))
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(text)
	return err
}

func (c reportCommand) period(now time.Time) (reports.Period, error) {
	switch {
	case c.Month != "":
		return named("--month", c.Month, reports.ParseMonth)
	case c.Quarter != "":
		return named("--quarter", c.Quarter, reports.ParseQuarter)
	case c.Since > 0 && time.Duration(c.Since) < 24*time.Hour:
		return reports.Period{}, fmt.Errorf("--since %s: a report is about whole days, so it must be 1d or more", c.Since)
	case c.Since > 0:
		return reports.Last(time.Duration(c.Since), now), nil
	}
	return reports.Last(90*24*time.Hour, now), nil
}

func named(flag, text string, parse func(string) (reports.Period, error)) (reports.Period, error) {
	p, err := parse(text)
	if err != nil {
		return p, fmt.Errorf("%s: %w", flag, err)
	}
	return p, nil
}

func (c reportCommand) write(r reports.Report) ([]byte, error) {
	switch c.Output {
	case "html":
		return r.HTML()
	case "json":
		text, err := json.MarshalIndent(r, "", "  ")
		return append(text, '\n'), err
	}
	return []byte(r.Markdown()), nil
}
