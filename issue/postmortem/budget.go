package postmortem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// Bounds of what a user's template may do. They are counted and not timed, so that `postburn check`
// and the daemon agree on every machine. Writing a long post-mortem takes a few thousand steps; all
// of them take well under a second.
const (
	maxSteps   = 200_000
	maxText    = 1 << 20  // bytes that it writes
	maxPrinted = 64 << 10 // bytes that one call of print returns
	maxNesting = 500      // blocks, parentheses and templates in one another

	printedPerStep = 16 // bytes that print returns for one step: 3 MiB in all
)

// overBudget is the error of a template that does more than it may.
type overBudget string

func (e overBudget) Error() string { return string(e) }

// budget counts down the steps that a template may still take. Nobody can stop a running template
// from outside.
type budget struct {
	steps int
	text  output
}

func newBudget() *budget { return &budget{steps: maxSteps, text: output{left: maxText}} }

// output keeps at most so many bytes, and drops the rest.
type output struct {
	strings.Builder
	left int // negative: some were dropped
}

// Write implements io.Writer. It never fails, because text/template does not say where a write
// failed: spend does.
func (o *output) Write(p []byte) (int, error) {
	if o.left >= 0 {
		o.left -= len(p)
	}
	if o.left >= 0 {
		o.Builder.Write(p)
	}
	return len(p), nil
}

// spend takes steps off the budget, and fails once it is used up. It writes nothing.
func (b *budget) spend(steps int) (string, error) {
	b.steps -= steps
	switch {
	case b.text.left < 0:
		return "", overBudget(fmt.Sprintf("the text is longer than %d KiB: write less here", maxText>>10))
	case b.steps < 0:
		return "", overBudget(fmt.Sprintf("the template takes more than %d steps: loop less", maxSteps))
	}
	return "", nil
}

// print is fmt.Sprint within the budget.
func (b *budget) print(args ...any) (string, error) { return b.join(args, false) }

// println is fmt.Sprintln within the budget.
func (b *budget) println(args ...any) (string, error) { return b.join(args, true) }

func (b *budget) join(args []any, line bool) (string, error) {
	var text strings.Builder
	wasText := true
	for n, arg := range args {
		s, isText := arg.(string)
		if !isText {
			s = fmt.Sprint(arg)
		}
		if n > 0 && (line || !isText && !wasText) {
			text.WriteByte(' ')
		}
		if text.Len()+len(s) > maxPrinted {
			return "", overBudget(fmt.Sprintf("print makes a text of more than %d KiB: write its parts one by one", maxPrinted>>10))
		}
		text.WriteString(s)
		wasText = isText
	}
	if line {
		text.WriteByte('\n')
	}
	if _, err := b.spend(text.Len() / printedPerStep); err != nil {
		return "", err
	}
	return text.String(), nil
}

// spendName is the function that is called at each step. A user's template can't call it: it is not
// there while that is parsed.
const spendName = "spend"

// meter has each step of a user's template spend a part of the budget before it is done. It returns
// an error if the template could go on for ever, or need much stack: one that contains itself, or
// too many blocks in one another. Built-in templates are not metered: what they do is bounded by
// the data.
func meter(t *template.Template) error {
	trees := map[string]*parse.Tree{}
	for _, t := range t.Templates() {
		if t.Tree != nil {
			trees[t.Name()] = t.Tree
		}
	}
	if err := (nesting{trees: trees, depths: map[string]int{}}).check(own); err != nil {
		return err
	}
	for _, tree := range trees {
		if tree.ParseName == own {
			meterList(tree.Root, tree.Root.Pos)
		}
	}
	return nil
}

// meterList puts a call of spend before each node of a list and after the last one. An error is
// reported at the node before, or at the list's place for the first one.
func meterList(list *parse.ListNode, before parse.Pos) {
	if list == nil {
		return
	}
	metered := make([]parse.Node, 0, 2*len(list.Nodes)+1)
	at := before
	for _, node := range list.Nodes {
		metered = append(metered, spending(at, 1+steps(node)), node)
		at = node.Position()
		if _, body, otherwise := branch(node); body != nil {
			meterList(body, at)
			meterList(otherwise, at)
		}
	}
	list.Nodes = append(metered, spending(at, 1))
}

// spending is the node {{spend n}}.
func spending(at parse.Pos, n int) parse.Node {
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{
		parse.NewIdentifier(spendName).SetPos(at),
		&parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: fmt.Sprint(n)},
	}}
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{call}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: pipe}
}

// branch takes apart {{if}}, {{with}} and {{range}}; body is nil for other nodes.
func branch(node parse.Node) (pipe *parse.PipeNode, body, otherwise *parse.ListNode) {
	switch n := node.(type) {
	case *parse.IfNode:
		return n.Pipe, n.List, n.ElseList
	case *parse.WithNode:
		return n.Pipe, n.List, n.ElseList
	case *parse.RangeNode:
		return n.Pipe, n.List, n.ElseList
	}
	return nil, nil, nil
}

// steps counts the values that a node evaluates, without the lists in it. {{printf "%d" .N}}, for
// example, has 4: a command and its three arguments.
func steps(node parse.Node) (n int) {
	eachPart(node, func(part parse.Node) { n += 1 + steps(part) })
	return n
}

// eachPart calls do for what a node evaluates: the commands of a pipeline, and their arguments.
func eachPart(node parse.Node, do func(parse.Node)) {
	pipe, _, _ := branch(node)
	switch n := node.(type) {
	case *parse.ActionNode:
		pipe = n.Pipe
	case *parse.TemplateNode:
		pipe = n.Pipe
	case *parse.PipeNode:
		pipe = n
	case *parse.CommandNode:
		for _, arg := range n.Args {
			do(arg)
		}
	case *parse.ChainNode:
		do(n.Node)
	}
	if pipe != nil {
		for _, command := range pipe.Cmds {
			do(command)
		}
	}
}

// nesting finds how deep templates are nested.
type nesting struct {
	trees  map[string]*parse.Tree
	depths map[string]int // of those that are known
	open   []string       // those that are being looked at
}

// check returns an error if a template is nested too deep, or contains itself.
func (n nesting) check(name string) error {
	_, err := n.of(name)
	return err
}

// of returns how deep a template is nested.
func (n nesting) of(name string) (int, error) {
	tree := n.trees[name]
	if depth, known := n.depths[name]; known || tree == nil {
		return depth, nil // one that is not there is told when it is run
	}
	n.open = append(n.open, name)
	depth, err := n.list(tree, tree.Root)
	if err == nil {
		n.depths[name] = depth
	}
	return depth, err
}

func (n nesting) list(tree *parse.Tree, list *parse.ListNode) (deepest int, err error) {
	if list == nil {
		return 0, nil
	}
	for _, node := range list.Nodes {
		depth, err := n.node(tree, node)
		if err != nil {
			return 0, err
		}
		if deepest = max(deepest, depth); deepest > maxNesting {
			return 0, placed(tree, node, fmt.Sprintf("blocks and templates are nested more than %d deep", maxNesting))
		}
	}
	return deepest, nil
}

func (n nesting) node(tree *parse.Tree, node parse.Node) (int, error) {
	depth := depthOf(node)
	if call, ok := node.(*parse.TemplateNode); ok {
		if slices.Contains(n.open, call.Name) {
			return 0, placed(tree, node, fmt.Sprintf("template %q contains itself, and would never end", call.Name))
		}
		inside, err := n.of(call.Name)
		return depth + inside + 1, err
	}
	_, body, otherwise := branch(node)
	inside, err := n.list(tree, body)
	if err != nil {
		return 0, err
	}
	other, err := n.list(tree, otherwise)
	return depth + max(inside, other) + 1, err
}

// depthOf returns how deep the parentheses of a node are nested.
func depthOf(node parse.Node) (deepest int) {
	eachPart(node, func(part parse.Node) { deepest = max(deepest, 1+depthOf(part)) })
	return deepest
}

// placed is an error at a node, in the form of package text/template's.
func placed(tree *parse.Tree, node parse.Node, text string) error {
	location, _ := tree.ErrorContext(node)
	return errors.New("template: " + location + ": " + text)
}
