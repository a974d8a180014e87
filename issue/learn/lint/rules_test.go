package lint

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postburn/postburn/issue/learn"
)

// TestRules writes a sentence into a post-mortem that lacks nothing, and says which rule, if any,
// has a point about it.
func TestRules(t *testing.T) {
	for _, test := range []struct{ section, text, want string }{
		{"Causes", "Human error.", HumanError},
		{"Causes", "Root cause: human error", HumanError},
		{"Causes", "Root cause was an operator mistake.", HumanError},
		{"Causes", "Operator error during the upgrade of the store.", HumanError},
		{"Causes", "The pool ran out because of human error in its configuration, and there was no canary.", HumanError},
		{"Causes", "Carelessness on the part of those who had reviewed it.", HumanError},
		{"Causes", "We should have been more careful, and there was no canary.", HumanError},
		{"Causes", "This was not human error.", ""},
		{"Causes", "The first draft called it \"human error\", which explains nothing.", ""},
		{"Causes", "We don't think that the cause was human error, since the tool asks for nothing.", ""},
		{"Causes", "The tool turns every human error into an outage.", ""},
		{"Causes", "User errors (HTTP 400) rose by half at the same time, and nobody had a graph of them.", ""},
		{"Causes", "Rather than human error we found three missing guards.", ""},
		{"Causes", "It would be wrong to say that this was human error; the prompt lied.", ""},
		{"Causes", "Human error. That is the wrong thing to stop at: the tool asks for nothing.", ""},
		{"Causes", "> Human error.\n\nsaid the vendor. Their tool has no dry run.", ""},
		{"What went poorly", "This was due to human error.", HumanError},
		{"What went poorly", "The template for incidents still has a field \"human error\".", ""},

		{"Causes", "bob forgot to run the migration.", Blame},
		{"Causes", "Bob simply forgot to run the migration.", Blame},
		{"Causes", "@bob should have checked the graph.", Blame},
		{"Causes", "The engineer on duty should have known better.", Blame},
		{"Causes", "The author of the change failed to notice the second pool.", Blame},
		{"Causes", "It was bob's fault.", Blame},
		{"What went poorly", "A developer didn't follow the checklist.", Blame},
		{"What went poorly", "The on-call engineer ignored the first page.", Blame},
		{"Causes", "bob was careless when he ran the migration.", Blame},
		{"Causes", "The on-call engineer ignored the page of 10:42.", Blame},
		{"Causes", "bob forgot to renew it; the calendar had the wrong year.", ""},
		{"Causes", "bob ran the migration twice.", ""},
		{"Causes", "I forgot to run the migration.", ""},
		{"Causes", "We forgot about the second pool.", ""},
		{"Causes", "The pool forgot its limit when it was restarted.", ""},
		{"Causes", "The client ignored the Retry-After header.", ""},
		{"Causes", "bob did not check the graph because the runbook starts with the database.", ""},
		{"Causes", "bob didn't look at the graph. It had shown the same spike every night for weeks.", ""},
		{"Causes", "bob should have been paged at 10:42, but the rota had a gap.", ""},
		{"Causes", "Nobody should have known that; it is written nowhere.", ""},
		{"Causes", "In hindsight it is easy to say that bob should have checked the graph.", ""},
		{"Causes", "It is not bob's fault that the prompt is the same everywhere.", ""},
		{"Causes", "bob's change doubled the number of connections.", ""},
		{"Causes", "The scheduler failed to notice that the node was gone.", ""},
		{"Causes", "alice failed to reach the vendor for an hour.", ""},
		{"What went poorly", "As bob wrote: \"I should have known better\". None of us would have.", ""},
		{"What went well", "bob broke the build in staging on purpose to see the same error.", ""},
		{"What went well", "bob broke production on purpose for the game day.", ""},
		{"Long term", "- [ ] Retrain the operators (bob)", Blame},
		{"Long term", "- [ ] Train the on-call in the new console (bob)", ""},

		{"Causes =", "The deploy of v1.9.0.", TriggerOnly},
		{"Causes =", "- Deploy of v1.9.0\n- Traffic spike", TriggerOnly},
		{"Causes =", "Trigger: database failover", TriggerOnly},
		{"Causes =", "- Deploy of v1.9.0\n- No canary", ""},
		{"Causes =", "Deploy of v1.9.0, which opens a connection per request.", ""},
		{"Causes =", "The deploy took effect everywhere at once.\n\nIt could: there is no canary.", ""},
		{"Causes =", "A query without an index.", SingleCause},
		{"Causes =", "The limit of the pool was too small for a Monday.", SingleCause},
		{"Causes =", "The pool's limit and the missing canary.", ""},
		{"Causes =", "The pool's limit was 20. There was no canary.", ""},
		{"Causes =", "The pool was too small, because nobody had measured since 2024.", ""},
		{"Causes =", "See [the analysis](https://example.org/a).", ""},
		{"Causes =", "Die Warteschlange war zu klein für den Montag, das ist alles, was wir wissen.", ""},

		{"Long term", "- [ ] A pool for each route", FollowUpOwner},
		{"Long term", "- [ ] A pool for each route (this quarter)", FollowUpOwner},
		{"Long term", "- [ ] A pool for each route (owner: TBD)", FollowUpOwner},
		{"Long term", "- [x] A pool for each route", ""},
		{"Long term", "- A pool for each route (done)", ""},
		{"Long term", "- We have added a pool for each route", ""},
		{"Long term", "- [ ] A pool for each route (bob, this quarter)", ""},
		{"Long term", "- [ ] A pool for each route (Bob Smith)", ""},
		{"Long term", "- [ ] A pool for each route, owner: carol", ""},
		{"Long term", "- [ ] A pool for each route — Carol", ""},
		{"Long term", "- [ ] Carol: a pool for each route", ""},
		{"Long term", "- [ ] A pool for each route #12", ""},
		{"Long term", "- [ ] A pool for each route (acme/ops#12)", ""},
		{"Long term", "- [ ] I will write a pool for each route", ""},
		{"Long term", "All of this is carol's: owner: carol\n\n- [ ] A pool for each route", ""},
		{"Long term", "- [ ] A pool for each route\n  - owner: dave", ""},
		{"Long term", "- [ ] Be careful with pools (bob)", FollowUpCareful},
		{"Long term", "- [ ] Everyone needs to be more careful with pools (bob)", FollowUpCareful},
		{"Long term", "- [ ] Remind the team to look at pools (bob)", FollowUpCareful},
		{"Long term", "- [ ] Make the bot remind owners of pools (bob)", ""},
		{"Long term", "- [ ] Double-check the pool's limit automatically at start (bob)", ""},
		{"Long term", "- [ ] Careful migration of pools in three steps (bob)", ""},
		{"Long term", "- [ ] Remind Postgres of the limit at start (bob)", ""},
		{"Long term", "- [ ] Take \"be careful\" out of the runbook for pools (bob)", ""},
		{"Long term", "- [ ] Buy larger desks for marketing (bob)", FollowUpCause},
		{"Long term", "- [ ] Plan the summer party in Lisbon (bob)", FollowUpCause},
		{"Long term", "- [ ] Dead letters after three attempts (bob)", ""},
		{"Long term", "- [ ] Measure how many connections Mondays need (bob)", ""},

		{"What went poorly", "The outage lasted three hours.", Numbers},
		{"What went poorly", "We were down for 2 hours.", Numbers},
		{"What went poorly", "We were down for 2 hours and lost 24,000 requests.", Numbers},
		{"What went poorly", "24,000 requests failed.", Numbers},
		{"What went poorly", "We lost about 30k requests.", Numbers},
		{"What went poorly", "It cost us 80 % of the error budget.", Numbers},
		{"What went poorly", "70 % of the error budget was gone.", Numbers},
		{"What went poorly", "The outage began at 09:12.", Numbers},
		{"What went poorly", "Errors stopped at 12:40.", Numbers},
		{"What went poorly", "The outage lasted about 40 minutes.", ""},
		{"What went poorly", "The outage lasted 17 minutes, and 24 more until all was well.", ""},
		{"What went poorly", "15,000 requests failed, close to a third.", ""},
		{"What went poorly", "3,000 requests failed in the last quarter of an hour.", ""},
		{"What went poorly", "Without the rollback 80,000 requests would have failed.", ""},
		{"What went poorly", "Clients counted 40,000 failed requests with their retries.", ""},
		{"What went poorly", "It cost 45 % of the error budget.", ""},
		{"What went poorly", "It cost more than 40 % of the error budget.", ""},
		{"What went poorly", "97 % of requests failed before the rollback.", ""},
		{"What went poorly", "98 % of requests failed.", ""},
		{"What went poorly", "The outage began at 10:40 and was over at 11:22.", ""},
		{"What went poorly", "The outage began at 12:41 CEST.", ""},
		{"What went poorly", "The outage of June lasted three hours, and last month we were down for 5 hours.", ""},
	} {
		found := Check(learn.Parse(withText(t, test.section, test.text)))
		got := slices.Sorted(slices.Values(rulesOf(found)))
		want := strings.Fields(test.want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s\n\tgot %q, want %q", test.section, test.text, got, want)
		}
	}
}

// TestOpen compares no number with those of an incident that goes on: they are not final.
func TestOpen(t *testing.T) {
	text := withText(t, "What went poorly", "The outage lasted three hours, and 24,000 requests failed.")
	if got := rulesOf(Check(learn.Parse(text))); !slices.Equal(got, []string{Numbers}) {
		t.Errorf("when it is over: %q", got)
	}
	open := strings.Replace(text, "| 11:22 | 50,969 |", "| still burning | 50,969 |", 1)
	if got := rulesOf(Check(learn.Parse(open))); open == text || len(got) > 0 {
		t.Errorf("while it goes on: %q", got)
	}
}

func rulesOf(found []Finding) (rules []string) {
	for _, f := range found {
		if !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// withText adds a text to a section of testdata/complete.md, or replaces the section if its name
// ends in "=".
func withText(t *testing.T, section, text string) string {
	t.Helper()
	whole, err := os.ReadFile("testdata/complete.md")
	if err != nil {
		t.Fatal(err)
	}
	name, replaces := strings.CutSuffix(section, " =")
	parts := strings.SplitAfter(string(whole), "# "+name+"\n")
	if len(parts) != 2 {
		t.Fatalf("no section %s", name)
	}
	before, after := parts[0], parts[1]
	if replaces {
		if at := strings.Index(after, "\n#"); at >= 0 {
			after = after[at:]
		}
	}
	return fmt.Sprintf("%s\n%s\n%s", before, text, after)
}

// TestComplete has nothing to say about a post-mortem that lacks nothing.
func TestComplete(t *testing.T) {
	whole, err := os.ReadFile("testdata/complete.md")
	if err != nil {
		t.Fatal(err)
	}
	if found := Check(learn.Parse(string(whole))); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}
