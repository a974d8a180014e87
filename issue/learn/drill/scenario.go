package drill

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed scenarios/*.yaml
var builtIn embed.FS

// Bounds of a scenario.
const (
	maxScenario = 64 << 10 // bytes
	maxMinutes  = 240
	maxItems    = 50 // of a list
	maxTraffic  = 100
)

// Scenario is a failure to talk through.
type Scenario struct {
	Name       string   `yaml:"name"`
	Title      string   `yaml:"title"`
	About      string   `yaml:"about"`   // in one or two sentences, for a list
	Minutes    int      `yaml:"minutes"` // how long it takes
	Phases     []Phase  `yaml:"phases"`  // what happens to the objective, in order
	Injects    []Inject `yaml:"injects"` // what the team is told, in order
	Behind     string   `yaml:"behind"`  // what had been waiting; told in the end
	Afterwards []string `yaml:"afterwards"`
}

// Phase says how things are from a minute on.
type Phase struct {
	From    int     `yaml:"from"`    // minute
	Bad     Share   `yaml:"bad"`     // of all events
	Traffic float64 `yaml:"traffic"` // times the usual; 0: 1
}

// Inject is what the team is told at a minute, and what it is asked.
type Inject struct {
	At    int      `yaml:"at"` // minute
	Title string   `yaml:"title"`
	Text  string   `yaml:"text"`
	Ask   []string `yaml:"ask"`
}

// Share is a share of events, from 0 to 1. In a file it is written like 30%.
type Share float64

// UnmarshalYAML reads a percentage.
func (s *Share) UnmarshalYAML(n *yaml.Node) error {
	percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(n.Value, "%")), 64)
	if err != nil || !strings.HasSuffix(n.Value, "%") || percent < 0 || percent > 100 {
		return fmt.Errorf("line %d: bad must be a percentage like 30%%, not %q", n.Line, n.Value)
	}
	*s = Share(percent / 100)
	return nil
}

// All returns the scenarios that are built in, by name.
func All() ([]Scenario, error) {
	names, err := fs.Glob(builtIn, "scenarios/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []Scenario
	for _, name := range names {
		text, err := builtIn.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Scenario) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Pick returns one of the scenarios, the same for the same seed, such as an objective and a day.
func Pick(all []Scenario, seed string) Scenario {
	h := fnv.New32a()
	_, _ = h.Write([]byte(seed))
	return all[int(h.Sum32()%uint32(len(all)))]
}

// Parse reads a scenario. Errors say what is wrong and what would be right.
func Parse(text []byte) (Scenario, error) {
	if len(text) > maxScenario {
		return Scenario{}, fmt.Errorf("a scenario has at most %d KiB", maxScenario>>10)
	}
	var s Scenario
	if err := yaml.Load(text, &s, yaml.WithKnownFields()); err != nil {
		return Scenario{}, err
	}
	for n := range s.Phases {
		if s.Phases[n].Traffic == 0 {
			s.Phases[n].Traffic = 1
		}
	}
	return s, s.check()
}

var scenarioName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (s Scenario) check() error {
	switch {
	case !scenarioName.MatchString(s.Name):
		return fmt.Errorf("name must be made of a-z, 0-9 and -, like full-disk, not %q", s.Name)
	case strings.TrimSpace(s.Title) == "" || strings.Contains(s.Title, "\n"):
		return errors.New("title must say in one line what happens, like: A disk is full")
	case s.Minutes < 1 || s.Minutes > maxMinutes:
		return fmt.Errorf("minutes must be from 1 to %d, not %d: it says how long the failure lasts", maxMinutes, s.Minutes)
	case len(s.Phases) == 0 || s.Phases[0].From != 0:
		return errors.New("phases must begin with one from minute 0, like {from: 0, bad: 30%}")
	case len(s.Injects) == 0:
		return errors.New("injects must have at least one, like {at: 0, title: Some requests fail, text: ..., ask: [...]}")
	case max(len(s.Phases), len(s.Injects), len(s.Afterwards)) > maxItems:
		return fmt.Errorf("a list has at most %d items", maxItems)
	}
	before := -1
	for n, p := range s.Phases {
		if p.From <= before || p.From >= s.Minutes {
			return fmt.Errorf("phases: number %d is from minute %d: phases come one after another, and begin before minute %d", n+1, p.From, s.Minutes)
		}
		if !(p.Traffic > 0 && p.Traffic <= maxTraffic) {
			return fmt.Errorf("phases: number %d has a traffic of %v: it is how many times the usual one, above 0 and at most %d", n+1, p.Traffic, maxTraffic)
		}
		before = p.From
	}
	before = -1
	for n, i := range s.Injects {
		if i.At <= before || i.At > s.Minutes {
			return fmt.Errorf("injects: number %d is at minute %d: injects come one after another, up to minute %d", n+1, i.At, s.Minutes)
		}
		if strings.TrimSpace(i.Title) == "" || strings.TrimSpace(i.Text) == "" || len(i.Ask) > maxItems {
			return fmt.Errorf("injects: number %d must have a title and a text", n+1)
		}
		before = i.At
	}
	return s.checkFacts()
}

// checkFacts reports a name in braces that stands for nothing.
func (s Scenario) checkFacts() error {
	texts := append([]string{s.Behind}, s.Afterwards...)
	for _, i := range s.Injects {
		texts = append(texts, append([]string{i.Text}, i.Ask...)...)
	}
	known := factsAt(s, Subject{}, Course{}, 0)
	for _, text := range texts {
		for _, m := range fact.FindAllStringSubmatch(text, -1) {
			if _, ok := known[m[1]]; !ok {
				return fmt.Errorf("{%s} stands for nothing; there are %s", m[1], strings.Join(factNames(), ", "))
			}
		}
	}
	return nil
}
