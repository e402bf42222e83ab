package filter

import (
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Filter is a parsed filter. The zero Filter matches every socket.
type Filter struct {
	root  node // nil matches everything
	needs Needs
}

// Options is what a filter may refer to and this package cannot look up itself. The zero Options know none of it.
type Options struct {
	// Device returns the index of a network interface, for "dev = eth0". Without it only numbers are accepted.
	Device func(name string) (uint32, error)
	// Cgroup returns the ID of a version 2 cgroup, for "cgroup = /path". Without it only numbers are accepted.
	Cgroup func(path string) (uint64, error)
	// Causes and Codes are the ones that exist. With them a cause or code that can match none is an error, without them it is taken as it is.
	Causes, Codes []string
}

// Parse reads a filter. The empty text gives the filter that matches everything. The error is a [*SyntaxError].
func Parse(text string) (*Filter, error) { return Options{}.Parse(text) }

// ParseArgs reads a filter from the words of a command line. Positions in errors refer to the words joined with single spaces.
func ParseArgs(args []string) (*Filter, error) { return Options{}.ParseArgs(args) }

// ParseArgs is the function ParseArgs with options.
func (o Options) ParseArgs(args []string) (*Filter, error) { return o.Parse(strings.Join(args, " ")) }

// Parse is the function Parse with options.
func (o Options) Parse(text string) (*Filter, error) {
	tokens, problem := lex(text)
	if problem != nil {
		return nil, problem
	}
	p := parser{text: text, tokens: tokens, words: vocabulary, options: o}
	root, problem := p.filter()
	if problem != nil {
		return nil, problem
	}
	return &Filter{root: root, needs: p.needs}, nil
}

// Match reports whether the filter is true for the row. It does not allocate.
//
// The row's socket must not be nil; everything else in a row may be missing and is then unknown.
func (f *Filter) Match(row *look.Row) bool { return f.root == nil || f.root.eval(row) == yes }

// States returns the states in which a socket can match: the mask for the dump request. SynReceived and NewSynRecv come
// together or not at all. An empty set means that nothing can match.
func (f *Filter) States() tcp.StateSet { return f.limits().states }

// Condition returns a test for the kernel to make that every matching socket passes; nil when there is none to make.
func (f *Filter) Condition() tcp.Condition { return f.limits().condition }

// Exact reports whether States and Condition together are the whole filter, so that the kernel's answer needs no second test. Where the kernel
// knows more than it reports (autobound, the marks of TIME_WAIT sockets) its answer is then the better one.
func (f *Filter) Exact() bool { return f.limits().exact }

// Needs returns what Match must be given in a row besides the socket's addresses, state, queues and timer.
func (f *Filter) Needs() Needs { return f.needs }

// String returns the filter in canonical form: parsing it gives an equal filter. Names that were resolved are printed as the
// numbers they stand for. The filter that matches everything is "".
func (f *Filter) String() string {
	if f.root == nil {
		return ""
	}
	return f.root.String()
}

func (f *Filter) limits() limits {
	if f.root == nil {
		return limits{states: tcp.AllStates, exact: true}
	}
	return f.root.limits(true)
}
