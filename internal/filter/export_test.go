package filter

import "reflect"

// Same reports whether two filters have the same tree.
func Same(a, b *Filter) bool { return reflect.DeepEqual(a.root, b.root) && a.needs == b.needs }

// Join makes one filter of several, by "and", "or" or (of the first) "not".
func Join(operator string, filters ...*Filter) *Filter {
	if operator == "not" {
		return &Filter{negation{filters[0].root}, filters[0].needs}
	}
	var joined Filter
	var nodes []node
	for _, f := range filters {
		nodes = append(nodes, f.root)
		joined.needs |= f.needs
	}
	joined.root = or(nodes...)
	if operator == "and" {
		joined.root = and(nodes...)
	}
	return &joined
}

// Spellings lists all words and operators the parser knows.
func Spellings() []string {
	var all []string
	for s := range vocabulary {
		all = append(all, s)
	}
	for s := range operators {
		all = append(all, s)
	}
	for s := range comparisons {
		all = append(all, s)
	}
	return all
}
