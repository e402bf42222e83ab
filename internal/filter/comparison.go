package filter

// comparison is how two values are compared.
type comparison uint8

const (
	equal comparison = iota
	differs
	less
	atMost
	greater
	atLeast
)

var comparisonSigns = [...]string{equal: "=", differs: "!=", less: "<", atMost: "<=", greater: ">", atLeast: ">="}

// comparisons are all spellings, those of ss.
var comparisons = map[string]comparison{
	"=": equal, "==": equal, "eq": equal,
	"!=": differs, "ne": differs, "neq": differs,
	"<": less, "lt": less,
	"<=": atMost, "le": atMost, "leq": atMost,
	">": greater, "gt": greater,
	">=": atLeast, "ge": atLeast, "geq": atLeast,
}

func (c comparison) String() string { return comparisonSigns[c] }

// span is what is known of a number: it lies between low and high, both included. The zero span with known false stands for nothing known.
type span struct {
	low, high uint64
	known     bool
}

func exactly(n uint64, known bool) span { return span{n, n, known} }

// test compares a number of which only bounds may be known with a given one.
func (c comparison) test(s span, n uint64) truth {
	if !s.known {
		return unknown
	}
	switch c {
	case equal:
		return decide(s.low == n && s.high == n, n < s.low || n > s.high)
	case differs:
		return equal.test(s, n).not()
	case greater:
		return decide(s.low > n, s.high <= n)
	case atMost:
		return greater.test(s, n).not()
	case atLeast:
		return decide(s.low >= n, s.high < n)
	default:
		return atLeast.test(s, n).not()
	}
}

// of turns the outcome of a test for equality into that of "=" or "!=".
func (c comparison) of(same truth) truth {
	if c == differs {
		return same.not()
	}
	return same
}
