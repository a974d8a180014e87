//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reportFile returns the address of a report's file, as `postburn report --output html` writes it.
func reportFile(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../issue/learn/report/testdata/report.html")
	if err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// TestReportFile opens a report's file, which loads nothing, light and dark, and prints it.
func TestReportFile(t *testing.T) {
	t.Parallel()
	document, console := browse(t, reportFile(t))
	if len(console) > 0 || !strings.Contains(document, `aria-label="Incidents over time: `) {
		t.Errorf("the console says %q of\n%s", console, document)
	}
	if found := regexp.MustCompile(`(?:src|href|url)=?["'(](?:https?:)?//[^"')]*`).FindAllString(document, -1); len(found) > 0 {
		for _, address := range found {
			if !strings.HasPrefix(address, `href="https://github.com/`) {
				t.Errorf("it loads %s", address)
			}
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for scheme, flag := range map[string]string{"light": "--blink-settings=preferredColorScheme=1", "dark": "--blink-settings=preferredColorScheme=0"} {
		picture := filepath.Join(t.TempDir(), scheme+".png")
		photographed := headless(ctx, t, flag, "--screenshot="+picture, "--window-size=1040,900", "--hide-scrollbars", reportFile(t))
		if out, err := photographed.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", scheme, err, out)
		}
		if light := brightness(t, picture) > 0.5; light != (scheme == "light") {
			t.Errorf("%s: it is light: %v", scheme, light)
		}
	}
	paper := filepath.Join(t.TempDir(), "report.pdf")
	if out, err := headless(ctx, t, "--no-pdf-header-footer", "--print-to-pdf="+paper, reportFile(t)).CombinedOutput(); err != nil {
		t.Fatalf("printing: %v\n%s", err, out)
	}
	content, err := os.ReadFile(paper)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(content, -1))
	if !bytes.HasPrefix(content, []byte("%PDF")) || pages < 1 || pages > 3 {
		t.Errorf("it is printed on %d pages, want 1 to 3", pages)
	}
}

// brightness is that of a picture's upper left corner, from 0 to 1.
func brightness(t *testing.T, file string) float64 {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r, g, b, _ := picture.At(2, 2).RGBA()
	return float64(r+g+b) / 3 / 0xffff
}
