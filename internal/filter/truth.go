package filter

// truth is a value of three-valued logic. The order makes "and" the minimum and "or" the maximum.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

func (t truth) not() truth { return yes - t }

// known makes a truth of what is certain.
func known(b bool) truth {
	if b {
		return yes
	}
	return no
}

// decide returns yes or no where one of the two is certain.
func decide(isYes, isNo bool) truth {
	switch {
	case isYes:
		return yes
	case isNo:
		return no
	}
	return unknown
}
