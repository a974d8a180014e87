package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn"
)

// readIssue reads a post-mortem from GitHub, with the token of the environment.
func readIssue(ctx context.Context, s surroundings, address string) (learn.Document, error) {
	repository, ref, err := parseIssue(address)
	if err != nil {
		return learn.Document{}, usageError{err}
	}
	// The user named the repository, so the variables need not.
	named := envconfig.MapLookuper(map[string]string{
		config.Prefix + "TRACKER": "github", config.Prefix + "GITHUB_REPOSITORY": repository, config.Prefix + "GITHUB_ALLOW": "",
	})
	settings, _, err := config.LoadGitHub(ctx, envconfig.MultiLookuper(named, s.lookuper))
	if err != nil {
		return learn.Document{}, usageError{err}
	}
	if err := isSameServer(address, settings.URL.Reveal()); err != nil {
		return learn.Document{}, usageError{err}
	}
	tracker, err := daemon.GitHub(settings, nil, nil)
	if err != nil {
		return learn.Document{}, usageError{err}
	}
	body, err := tracker.Body(ctx, ref)
	if err != nil {
		return learn.Document{}, err
	}
	return learn.Parse(body), nil
}

// parseIssue reads an issue's address, such as https://github.com/acme/shop/issues/12.
func parseIssue(address string) (repository string, ref issue.Ref, err error) {
	wrong := fmt.Errorf("the address of an issue must be like https://github.com/acme/shop/issues/12, not %s", address)
	u, err := url.Parse(address)
	if err != nil {
		return "", ref, wrong
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 4 || parts[2] != "issues" {
		return "", ref, wrong
	}
	number, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil || number <= 0 {
		return "", ref, wrong
	}
	u.RawQuery, u.Fragment = "", ""
	return parts[0] + "/" + parts[1], issue.Ref{Number: number, URL: u.String()}, nil
}

// isSameServer returns an error if an issue is not on the server whose API is asked: its token must
// not go elsewhere, and another server's issue 12 is another issue.
func isSameServer(address, api string) error {
	at, err := url.Parse(address)
	if err != nil {
		return err
	}
	host := "github.com"
	if base, err := url.Parse(api); err == nil && base.Host != "" {
		host = base.Host
	}
	if strings.TrimPrefix(at.Host, "www.") != host && "api."+at.Host != host {
		return fmt.Errorf("the issue is on %s, but %sGITHUB_URL is for %s: set it to that server's API", at.Host, config.Prefix, host)
	}
	return nil
}
