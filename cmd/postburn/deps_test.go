package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies holds what the product's binary links: no TSDB, no query engine, no cloud SDK,
// no Kubernetes client, nothing of tests.
func TestDependencies(t *testing.T) {
	if found := strangers(t, "."); len(found) > 0 {
		t.Errorf("the product links what it has no use for:\n%s", strings.Join(found, "\n"))
	}
	if found := strangers(t, "../../slo/prom/promtest"); !slices.Contains(found, "github.com/prometheus/prometheus/tsdb") {
		t.Errorf("promtest, which has a TSDB, passes too: %v", found)
	}
}

// strangers are the packages that a package links, directly or not, and the product must not.
func strangers(t *testing.T, pkg string) (found []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).Output()
	if err != nil {
		t.Fatalf("listing dependencies: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if isStranger(dep) {
			found = append(found, dep)
		}
	}
	return found
}

func isStranger(pkg string) bool {
	if part, ok := strings.CutPrefix(pkg, "github.com/prometheus/prometheus/"); ok {
		return !belongsToParser(part)
	}
	for _, prefix := range []string{
		"cloud.google.com/", "google.golang.org/api/", "github.com/Azure/", "github.com/aws/", "k8s.io/", "sigs.k8s.io/",
		"github.com/prometheus/sigv4", "github.com/google/go-cmp/", "github.com/rogpeppe/", "github.com/santhosh-tekuri/",
	} {
		if strings.HasPrefix(pkg, prefix) {
			return true
		}
	}
	for _, name := range []string{"promtest", "storetest", "postgrestest", "foreigntest", "trackertest", "issuetest", "lease/model"} {
		if strings.HasSuffix(pkg, "/"+name) {
			return true
		}
	}
	return pkg == "testing"
}

// belongsToParser reports whether a package of Prometheus is its PromQL parser, or one of those
// that the parser's types need; these hold formats, and no database.
func belongsToParser(part string) bool {
	switch part {
	case "promql/parser", "promql/parser/posrange", "storage", "tsdb/chunkenc", "tsdb/chunks", "tsdb/fileutil":
		return true
	}
	return strings.HasPrefix(part, "model/") || strings.HasPrefix(part, "util/")
}
