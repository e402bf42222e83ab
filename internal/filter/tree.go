package filter

import (
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// node is a filter or a part of it. The nodes are allOf, anyOf and negation, and at the leaves the tests.
type node interface {
	// eval says whether the row fulfils the node, without allocating.
	eval(*look.Row) truth
	// limits returns what the kernel can be told about the sockets for which the node is true (holds) or false (not holds).
	limits(holds bool) limits
	// String returns the node in canonical form.
	String() string
}

type (
	allOf    []node
	anyOf    []node
	negation struct{ node node }
)

func and(nodes ...node) node { return join[allOf](nodes) }
func or(nodes ...node) node  { return join[anyOf](nodes) }

// join joins nodes; joined ones of the same kind among them are taken apart, so that parentheses leave no trace in the tree where they make no difference.
func join[L interface {
	~[]node
	node
}](nodes []node) node {
	var flat L
	for _, n := range nodes {
		if inner, ok := n.(L); ok {
			flat = append(flat, inner...)
			continue
		}
		flat = append(flat, n)
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func (n allOf) eval(row *look.Row) truth {
	result := yes
	for _, sub := range n {
		if result = min(result, sub.eval(row)); result == no {
			return no
		}
	}
	return result
}

func (n anyOf) eval(row *look.Row) truth {
	result := no
	for _, sub := range n {
		if result = max(result, sub.eval(row)); result == yes {
			return yes
		}
	}
	return result
}

func (n negation) eval(row *look.Row) truth { return n.node.eval(row).not() }

func (n allOf) String() string    { return joined(n, " and ") }
func (n anyOf) String() string    { return joined(n, " or ") }
func (n negation) String() string { return "not " + grouped(n.node) }

func joined(nodes []node, operator string) string {
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = grouped(n)
	}
	return strings.Join(texts, operator)
}

// grouped puts parentheses around everything joined, also where precedence would do: ss has none.
func grouped(n node) string {
	switch n.(type) {
	case allOf, anyOf:
		return "( " + n.String() + " )"
	}
	return n.String()
}
