package filter

import "github.com/closewait/closewait/tcp"

// limits is what the kernel can test of a node: a set of states and a condition that all sockets in question fulfil. They are exact when, besides, no
// other socket fulfils both.
type limits struct {
	states    tcp.StateSet
	condition tcp.Condition // nil is always fulfilled
	exact     bool
}

// noLimits are those of a node the kernel knows nothing about.
func noLimits() limits { return limits{states: tcp.AllStates} }

// within are the limits of a test that can be true in some states only.
func within(states tcp.StateSet, holds bool) limits {
	if !holds {
		return noLimits()
	}
	return limits{states: states}
}

// exactStates are the limits of a test on the state alone.
func exactStates(states tcp.StateSet, holds bool) limits {
	if !holds {
		states = tcp.AllStates &^ states
	}
	return limits{states: states, exact: true}
}

// exactCondition are the limits of a test that is a condition.
func exactCondition(c tcp.Condition, holds bool) limits {
	if !holds {
		c = opposite(c)
	}
	return limits{states: tcp.AllStates, condition: c, exact: true}
}

// opposite negates a condition without piling up negations.
func opposite(c tcp.Condition) tcp.Condition {
	if n, ok := c.(tcp.Not); ok {
		return n.Condition
	}
	return tcp.Not{Condition: c}
}

func (n allOf) limits(holds bool) limits {
	if !holds {
		return union(n, holds)
	}
	return intersection(n, holds)
}

func (n anyOf) limits(holds bool) limits {
	if !holds {
		return intersection(n, holds)
	}
	return union(n, holds)
}

func (n negation) limits(holds bool) limits { return n.node.limits(!holds) }

// intersection is the limits of sockets that are within those of all nodes.
func intersection(nodes []node, holds bool) limits {
	all := limits{states: tcp.AllStates, exact: true}
	var conditions tcp.And
	for _, n := range nodes {
		l := n.limits(holds)
		all.states &= l.states
		all.exact = all.exact && l.exact
		switch c := l.condition.(type) {
		case nil:
		case tcp.And:
			conditions = append(conditions, c...)
		default:
			conditions = append(conditions, c)
		}
	}
	switch len(conditions) {
	case 0:
	case 1:
		all.condition = conditions[0]
	default:
		all.condition = conditions
	}
	return all
}

// union is the limits of sockets that are within those of one node at least. The states and the condition are joined each for itself, which lets in
// sockets in the state of one node that fulfil the condition of another: so it is exact only if the nodes agree on one of the two.
func union(nodes []node, holds bool) limits {
	first := nodes[0].limits(holds)
	some := limits{exact: true}
	var conditions tcp.Or
	unconditional, sameStates, noConditions := false, true, true
	for _, n := range nodes {
		l := n.limits(holds)
		some.states |= l.states
		some.exact = some.exact && l.exact
		sameStates = sameStates && l.states == first.states
		noConditions = noConditions && l.condition == nil
		switch c := l.condition.(type) {
		case nil:
			unconditional = true
		case tcp.Or:
			conditions = append(conditions, c...)
		default:
			conditions = append(conditions, c)
		}
	}
	some.exact = some.exact && (sameStates || noConditions)
	if !unconditional {
		some.condition = conditions
	}
	return some
}
