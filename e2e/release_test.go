//go:build e2e

package e2e

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const release = "v1.2.3"

// TestRelease makes a release of the work tree twice, in two folders: all bytes are the same. Then
// it looks at what is in it.
func TestRelease(t *testing.T) {
	t.Parallel()
	first := checkout(t)
	second := filepath.Join(t.TempDir(), "a folder", "elsewhere")
	output(t, exec.Command("git", "clone", "--quiet", first, second))
	// What is not committed is in no release.
	if err := os.WriteFile(filepath.Join(second, "cmd/postburn/stray.go"), []byte("package broken"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(first, "bin/release")
	sums := makeRelease(t, first)
	if diff := cmp.Diff(sums, makeRelease(t, second)); diff != "" {
		t.Errorf("the same release, made elsewhere (-first +second):\n%s", diff)
	}
	commit := strings.TrimSpace(output(t, exec.Command("git", "-C", first, "rev-parse", "HEAD")))
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
	check.Dir = out
	output(t, check)
	if n := strings.Count(sums, "\n"); n != 10 {
		t.Errorf("%d files:\n%s", n, sums)
	}
	verifyBinaries(t, out, commit)
	verifyImageArchive(t, filepath.Join(out, "postburn-1.2.3.image.tar"), commit)
	verifyPackedChart(t, out)
}

// TestReleaseRefuses asks for versions that no release may have.
func TestReleaseRefuses(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "1.2.3", "v1.2", "v1.2.3 ", "v1.2.3+x", "latest"} {
		cmd := exec.Command("../deploy/release.sh", version, t.TempDir())
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "VERSION=v1.2.3") {
			t.Errorf("%q: %v: %s", version, err, out)
		}
	}
}

// checkout is a new repository with the files of this work tree in one commit, as of an hour in the
// past.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do if [ -e "$f" ]; then printf '%s\0' "$f"; fi; done |
		tar --create --null --files-from=- | tar --extract --directory "$1"
		cd "$1" && git init --quiet && git add --all && git commit --quiet --message release`
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script, "bash", dir)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=e2e", "GIT_AUTHOR_EMAIL=e2e@example.org", "GIT_COMMITTER_NAME=e2e",
		"GIT_COMMITTER_EMAIL=e2e@example.org", "GIT_COMMITTER_DATE=2026-11-28T14:00:00Z", "GIT_AUTHOR_DATE=2026-11-28T14:00:00Z")
	output(t, cmd)
	return dir
}

// makeRelease returns the checksums of what `make release` makes.
func makeRelease(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("make", "-C", dir, "release", "VERSION="+release, "IMAGE=images.acme.example/postburn")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make release: %v\n%s", err, out)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "bin/release/SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return string(sums)
}

// verifyBinaries runs the one for this machine, and compares what each says is linked into it with
// its bill of materials.
func verifyBinaries(t *testing.T, out, commit string) {
	t.Helper()
	for _, platform := range []string{"linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"} {
		name := "postburn-1.2.3." + platform
		dir := t.TempDir()
		if got := unpack(t, filepath.Join(out, name+".tar.gz"), dir); !slices.Equal(got, []string{name + "/", name + "/LICENSE", name + "/README.md", name + "/postburn"}) {
			t.Errorf("%s has %q", name, got)
		}
		program := filepath.Join(dir, name, "postburn")
		if platform == "linux-"+runtime.GOARCH {
			want := fmt.Sprintf("postburn %s (revision %s, %s, linux/%s)\n", release, commit, runtime.Version(), runtime.GOARCH)
			if got := output(t, exec.Command(program, "version")); got != want {
				t.Errorf("it is %q, not %q", got, want)
			}
		}
		built := output(t, exec.Command("go", "version", "-m", program))
		if !strings.Contains(built, "CGO_ENABLED=0") || strings.Contains(built, out) {
			t.Errorf("%s is built as\n%s", name, built)
		}
		var modules []string
		for _, m := range regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(built, -1) {
			modules = append(modules, m[1]+" "+m[2])
		}
		slices.Sort(modules)
		if diff := cmp.Diff(modules, billOfMaterials(t, filepath.Join(out, name+".cdx.json"))); diff != "" || len(modules) < 10 {
			t.Errorf("modules of %s (-binary +bill of materials):\n%s", name, diff)
		}
	}
}

// billOfMaterials returns the modules of one, the standard library aside.
func billOfMaterials(t *testing.T, name string) (modules []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.Metadata.Component.Version != release {
		t.Errorf("%s is of version %q", name, bill.Metadata.Component.Version)
	}
	for _, c := range bill.Components {
		if c.Name != "std" {
			modules = append(modules, c.Name+" "+c.Version)
		}
	}
	slices.Sort(modules)
	return modules
}

// unpack writes an archive's files, and returns the names of all that is in it.
func unpack(t *testing.T, archive, dir string) (all []string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var in io.Reader = file
	if !strings.HasSuffix(archive, ".tar") {
		if in, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	reader := tar.NewReader(in)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, header.Name)
		if header.Uid != 0 || header.Uname != "" || header.ModTime.UTC().Format("2006-01-02 15:04") != "2026-11-28 14:00" {
			t.Errorf("%s in %s tells who made it when: %+v", header.Name, archive, header)
		}
		name := filepath.Join(dir, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(name, 0o777)
		} else {
			var text []byte
			if text, err = io.ReadAll(reader); err == nil {
				err = os.WriteFile(name, text, header.FileInfo().Mode())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// verifyImageArchive reads an OCI archive: an index, its images for both architectures, and their
// configuration.
func verifyImageArchive(t *testing.T, archive, commit string) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, archive, dir)
	type descriptor struct {
		Digest   string
		Platform struct{ OS, Architecture string }
	}
	var index, images struct{ Manifests []descriptor }
	read := func(name string, into any) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	blob := func(digest string) string { return filepath.Join("blobs", strings.Replace(digest, ":", "/", 1)) }
	read("index.json", &index)
	if len(index.Manifests) != 1 {
		t.Fatalf("the archive has %+v", index)
	}
	read(blob(index.Manifests[0].Digest), &images)
	var platforms []string
	for _, m := range images.Manifests {
		platforms = append(platforms, m.Platform.OS+"/"+m.Platform.Architecture)
		var manifest struct{ Config descriptor }
		read(blob(m.Digest), &manifest)
		var config struct {
			Architecture string
			Config       struct {
				User       string
				Entrypoint []string
				Labels     map[string]string
			}
		}
		read(blob(manifest.Config.Digest), &config)
		labels := config.Config.Labels
		if config.Architecture != m.Platform.Architecture || config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/postburn"}) ||
			labels["org.opencontainers.image.version"] != "1.2.3" || labels["org.opencontainers.image.revision"] != commit {
			t.Errorf("the image for %s is %+v", m.Platform.Architecture, config)
		}
	}
	slices.Sort(platforms)
	if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("the image is for %q", platforms)
	}
}

// verifyPackedChart has Helm read the chart as it is published.
func verifyPackedChart(t *testing.T, out string) {
	t.Helper()
	file := filepath.Join(out, "postburn-1.2.3.tgz")
	unpack(t, file, t.TempDir())
	cmd := exec.Command(filepath.Join(cacheFolder(), helmProgram), "template", "postburn", file)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	text := output(t, cmd)
	for _, want := range []string{`image: "images.acme.example/postburn:1.2.3"`, "helm.sh/chart: postburn-1.2.3", `app.kubernetes.io/version: "1.2.3"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
