package filter

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// stateTest is "state" and "exclude". SynReceived and NewSynRecv are both in the set or both not.
type stateTest struct{ set tcp.StateSet }

func (n stateTest) eval(row *look.Row) truth { return known(n.set.Has(row.Socket.State)) }

func (n stateTest) limits(holds bool) limits { return exactStates(n.set, holds) }

// stateGroups are ss's names for sets of states.
var stateGroups = [...]string{"all", "connected", "synchronized", "bucket", "big"}

// String prefers a name of ss for the whole set, then the shorter of "state" and "exclude".
func (n stateTest) String() string {
	for _, name := range stateGroups {
		if set, _ := parseStates(name); set == n.set {
			return "state " + name
		}
	}
	others := tcp.AllStates &^ n.set
	switch {
	case n.set == 0:
		return "exclude all"
	case others.Len() < n.set.Len():
		return "exclude " + stateList(others)
	}
	return "state " + stateList(n.set)
}

func stateList(set tcp.StateSet) string {
	var names []string
	for set &^= tcp.SetOf(tcp.NewSynRecv); set != 0; set &= set - 1 {
		names = append(names, stateName(tcp.State(bits.TrailingZeros32(uint32(set)))))
	}
	return strings.Join(names, ",")
}

// stateName spells a state with hyphens, as filters do.
func stateName(s tcp.State) string { return strings.ReplaceAll(s.String(), "_", "-") }

// stateNames lists what may stand after "state".
func stateNames() []string {
	names := slices.Clone(stateGroups[:])
	for s := tcp.Established; s <= tcp.Bound; s++ {
		if s != tcp.NewSynRecv {
			names = append(names, stateName(s))
		}
	}
	return names
}

func parseStates(word string) (tcp.StateSet, error) {
	if strings.EqualFold(word, "syn-rcv") { // the one spelling of ss that package tcp does not know
		word = "syn-recv"
	}
	return tcp.ParseStateSet(word)
}

func (p *parser) atState() bool {
	t := p.next()
	w := p.words[strings.ToLower(t.text)]
	return t.kind == wordToken && !t.quoted && w != nil && w.parse == nil
}

// states parses "state" and "exclude" words, many in a row or one. As in ss the first begins with nothing or with everything, and each adds or takes away.
func (p *parser) states(many bool) (node, *SyntaxError) {
	var set tcp.StateSet
	if p.words[strings.ToLower(p.next().text)].Name == "exclude" {
		set = tcp.AllStates
	}
	for first := true; p.atState() && (first || many); first = false {
		var problem *SyntaxError
		if set, problem = p.addStates(set); problem != nil {
			return nil, problem
		}
	}
	return stateTest{set}, nil
}

// addStates parses one "state" or "exclude" with its list and applies it to a set.
func (p *parser) addStates(set tcp.StateSet) (tcp.StateSet, *SyntaxError) {
	w := p.words[strings.ToLower(p.take().text)]
	for more := true; more; {
		t, problem := p.value(w, "a state")
		if problem != nil {
			return 0, problem
		}
		more = strings.HasSuffix(t.text, ",")
		at := 0
		for name := range strings.SplitSeq(strings.TrimSuffix(t.text, ","), ",") {
			part := t
			if !t.quoted {
				part = token{text: name, offset: t.offset + at, length: len(name)}
			}
			states, err := parseStates(name)
			if err != nil {
				return 0, p.fail(part, didYouMean(name, stateNames(), "states"), "unknown state %q", name)
			}
			if w.Name == "exclude" {
				set &^= states
			} else {
				set |= states
			}
			at += len(name) + 1
		}
	}
	return set, nil
}
