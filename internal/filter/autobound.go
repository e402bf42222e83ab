package filter

import (
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// autoboundTest is "autobound". The kernel tests it and reports no trace of it, so on the row it is true: that is right
// only where a dump has filtered before, hence the rule that it must hold for every socket that matches.
type autoboundTest struct{}

func (autoboundTest) eval(*look.Row) truth { return yes }

func (autoboundTest) limits(holds bool) limits { return exactCondition(tcp.AutoBound{}, holds) }

func (autoboundTest) String() string { return "autobound" }

func parseAutobound(p *parser, w *word) (node, *SyntaxError) {
	p.autobound = append(p.autobound, p.tokens[p.at-1])
	return autoboundTest{}, p.noComparison(w)
}

// checkAutobound refuses "autobound" in places where a socket could match without it.
func (p *parser) checkAutobound(root node) *SyntaxError {
	seen, misplaced := 0, -1
	walk(root, true, func(n node, conjunct bool) {
		if _, ok := n.(autoboundTest); !ok {
			return
		}
		if !conjunct && misplaced < 0 {
			misplaced = seen
		}
		seen++
	})
	if misplaced < 0 {
		return nil
	}
	return p.fail(p.autobound[misplaced], "write: autobound and ( ... )",
		"autobound cannot stand under not or or: the kernel tests it but does not report it, so no second look is possible")
}

// walk visits the leaves from left to right and says of each whether the whole filter can only be true where the leaf is.
func walk(n node, conjunct bool, visit func(n node, conjunct bool)) {
	switch n := n.(type) {
	case allOf:
		for _, sub := range n {
			walk(sub, conjunct, visit)
		}
	case anyOf:
		for _, sub := range n {
			walk(sub, false, visit)
		}
	case negation:
		walk(n.node, false, visit)
	default:
		visit(n, conjunct)
	}
}
