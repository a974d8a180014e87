package postmortem

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// repeated is a template's text in which a part is there many times.
func repeated(n int, part string) string { return strings.Repeat(part, n) }

// nested is a chain of templates, each using the next one twice.
func nested(n int, calls string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{{define \"t%d\"}}%s{{end}}", i, strings.ReplaceAll(calls, "NEXT", fmt.Sprintf(`{{template "t%d" .}}`, i+1)))
	}
	fmt.Fprintf(&b, `{{define "t%d"}}{{end}}{{template "t0" .}}text`, n)
	return b.String()
}

// TestBudget has templates that would go on for ever or take all memory end soon, with the place
// that is at fault.
func TestBudget(t *testing.T) {
	const steps, long = "the template takes more than 200000 steps: loop less", "the text is longer than 1024 KiB: write less here"
	doubled := `{{$s := "0123456789"}}{{range 40}}{{$s = print $s $s}}{{end}}{{len $s}}`
	for _, tc := range []struct{ name, text, want string }{
		{"loops", `{{.Summary}}` + "\n" + `{{range 9000000000000000000}}{{end}}`, "FILE:2:9: " + steps},
		{"loops in which nothing is written", `{{range 1000000000}}{{$x := 1}}{{end}}`, "FILE:1:"},
		{"loops that go on at once", `{{range 1000000000}}{{continue}}{{end}}`, "FILE:1:"},
		{"loops that go on at once after much work", `{{range 1000000000}}{{if or ` + repeated(50_000, "false ") + `true}}{{continue}}{{end}}{{end}}`, "FILE:1:"},
		{"loops in loops", `{{range 10000}}{{range 10000}}{{range 10000}}{{else}}{{end}}{{end}}{{end}}`, "FILE:1:"},
		{"a text in a loop", `{{range 1000000000}}text{{end}}`, "FILE:1:"},
		{"a long text in a loop", `{{range 1000000000}}` + repeated(100_000, "a") + `{{end}}`, "FILE:1:21: " + long},
		{"all that is known in a loop", `{{range 1000000000}}{{.}}{{$}}{{end}}`, "FILE:1:"},
		{"all that is known, very often", repeated(80_000, "{{.}}"), "FILE:1:"},
		{"a string is doubled", doubled, "FILE:1:42: print makes a text of more than 64 KiB: write its parts one by one"},
		{"a string is doubled in a call", `{{$s := "0123456789"}}{{range 40}}{{$s = print $s $s $s $s $s $s $s $s}}{{end}}`, "FILE:1:"},
		{"many large strings", `{{$s := print (print . .) (print . .)}}{{range 1000000}}{{len (print $s $s)}}{{end}}`, "FILE:1:"},
		{"a large string with many arguments", `{{$s := "` + repeated(60_000, "a") + `"}}{{len (print ` + repeated(50_000, "$s ") + `)}}`, "FILE:1:"},
		{"large strings are compared", `{{$s := "` + repeated(60_000, "a") + `"}}{{$t := print $s ""}}{{range 1000000}}{{if eq $s ` + repeated(20_000, "$t ") + `}}{{end}}{{end}}`, "FILE:1:"},
		{"println of much", `{{$s := "0123456789"}}{{range 40}}{{$s = println $s $s}}{{end}}`, "FILE:1:"},
		{"printf of much", `{{printf "%1000000000d" 1}}`, "FILE:1:3: <printf \"%1000000000d\" 1>: error calling printf: it is not available"},
		{"repeat", `{{repeat 1000000000 "a"}}`, `FILE:1: function "repeat" not defined`},
		{"the budget is given back", `{{spend -1000000000}}`, `FILE:1: function "spend" not defined`},
		{"a template contains itself", `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, `FILE:1:26: template "a" contains itself, and would never end`},
		{"templates contain each other", `{{define "a"}}{{template "b"}}{{end}}{{define "b"}}{{if .}}{{template "a"}}{{end}}{{end}}{{template "a"}}`, "FILE:1:"},
		{"a template contains itself by a built-in one", `{{define "impact.md.tmpl"}}{{template "facts.md.tmpl" .}}{{end}}{{template "facts.md.tmpl" .}}`, "FILE:1:"},
		{"templates that are not called contain each other", `{{define "a"}}{{template "a"}}{{end}}{{.Summary}}`, ""},
		{"templates that double", nested(60, "NEXTNEXT"), "FILE:1:"},
		{"a long chain of templates", nested(5_000, "{{if .}}{{if .}}NEXT{{end}}{{end}}"), "FILE:1:"},
		{"deep blocks", repeated(10_000, "{{if 1}}") + repeated(10_000, "{{end}}"), "FILE:1:78670: blocks and templates are nested more than 500 deep"},
		{"deep parentheses", "{{" + repeated(9_000, "(") + "1" + repeated(9_000, ")") + "}}", "FILE:1:"},
		{"deeper parentheses", "{{" + repeated(90_000, "(") + "1" + repeated(90_000, ")") + "}}", "FILE:1: max expression depth exceeded"},
		{"many values", `{{if or ` + repeated(100_000, "false ") + `}}{{end}}text`, ""},
		{"a value of nothing", `{{index nil 1}}`, "FILE:1:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := cpuTime(t)
			_, err := executeOwn(ownTemplate(tc.text), NewView(samples()[1]))
			took := cpuTime(t) - began
			runtime.ReadMemStats(&after)
			var wrong *TemplateError
			if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), tc.want)) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if wrong != nil && len(wrong.Text) > 4*maxWrong {
				t.Errorf("the error has %d bytes", len(wrong.Text))
			}
			made := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%v, %d MiB made: %v", took, made, err)
			if took > 5*time.Second || made > 512 {
				t.Errorf("it took %v and made %d MiB", took, made)
			}
		})
	}
}

// cpuTime is how long this process has kept processors busy: a loaded machine does not change it.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestBudgetIsAmple has a rich template take a small part of the budget.
func TestBudgetIsAmple(t *testing.T) {
	view := NewView(samples()[1])
	row := view.Timeline[0]
	for range 500 {
		view.Timeline = append(view.Timeline, row)
	}
	if _, err := executeText(everything+`{{template "facts.md.tmpl" .}}{{template "analysis.md.tmpl" .}}`, view); err != nil {
		t.Error(err)
	}
}

// TestViewHasNoMethods has templates be given values alone: a method could do anything.
func TestViewHasNoMethods(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(of reflect.Type)
	look = func(of reflect.Type) {
		if seen[of] {
			return
		}
		seen[of] = true
		if n := max(of.NumMethod(), reflect.PointerTo(of).NumMethod()); n > 0 {
			t.Errorf("%s has %d methods", of, n)
		}
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				look(of.Field(i).Type)
			}
		case reflect.String, reflect.Bool, reflect.Int:
		default:
			t.Errorf("%s is neither a text nor a number", of)
		}
	}
	look(reflect.TypeFor[View]())
	if len(seen) < 8 {
		t.Errorf("only %d types", len(seen))
	}
}

// TestBudgetIsHeld has templates that do just as much as they may, and one thing more. The steps
// include five around the loop, and an `if` is three deep.
func TestBudgetIsHeld(t *testing.T) {
	for name, tc := range map[string]struct {
		most int
		make func(n int) string
	}{
		"steps":   {199_995, func(n int) string { return fmt.Sprintf("{{range %d}}{{end}}text", n) }},
		"text":    {1 << 20, func(n int) string { return repeated(n, "a") }},
		"printed": {64 << 10, func(n int) string { return `{{len (print "` + repeated(n, "a") + `")}}` }},
		"nesting": {166, func(n int) string { return repeated(n, "{{if 1}}") + "text" + repeated(n, "{{end}}") }},
		"all prints": {48, func(n int) string {
			return fmt.Sprintf(`{{$s := "%s"}}{{range %d}}{{len (print $s)}}{{end}}`, repeated(64<<10, "a"), n)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for n, ok := range map[int]bool{tc.most: true, tc.most + 1: false} {
				if _, err := executeOwn(ownTemplate(tc.make(n)), NewView(samples()[1])); (err == nil) != ok {
					t.Errorf("%d: %v", n, err)
				}
			}
		})
	}
}
