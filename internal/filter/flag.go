package filter

import (
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// flagTest is a word that says all by itself.
type flagTest struct{ word *word }

func (n flagTest) eval(row *look.Row) truth { return known(n.word.flag(row)) }

func (n flagTest) limits(holds bool) limits {
	if n.word.condition != nil {
		return exactCondition(n.word.condition, holds)
	}
	if n.word.states != 0 {
		return within(n.word.states, holds)
	}
	return noLimits()
}

func (n flagTest) String() string { return n.word.Name }

func stuck(row *look.Row) bool      { return row.Cause != "" }
func orphan(row *look.Row) bool     { return row.Socket.Orphan() }
func unaccepted(row *look.Row) bool { return row.Socket.Unaccepted() }

// isMapped is what mapped is for the kernel: an IPv6 socket with an address that an IPv4 prefix matches.
func isMapped() tcp.Condition {
	return tcp.And{tcp.Prefix{Side: tcp.LocalSide, Prefix: everyIPv6()}, tcp.Prefix{Side: tcp.LocalSide, Prefix: everyIPv4()}}
}

func mapped(row *look.Row) bool {
	return row.Socket.Family == tcp.IPv6 && row.Socket.Local.Addr().Is4In6()
}

func parseFlag(p *parser, w *word) (node, *SyntaxError) { return flagTest{w}, p.noComparison(w) }

// noComparison refuses a comparison after a word that takes none.
func (p *parser) noComparison(w *word) *SyntaxError {
	if t := p.next(); t.kind == comparisonToken {
		return p.fail(t, "write "+w.Name+" alone", "%s stands alone and is not compared with anything", w.Name)
	}
	return nil
}
