package filter

import (
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Word describes a word of the language, for help and completion.
type Word struct {
	Name    string
	Aliases []string // other spellings
	Group   string   // the heading it belongs under
	Syntax  string   // how it is used, with the kind of its value in capitals
	Meaning string
	Example string   // a filter that uses it
	Values  []string // what may stand after it, where that is a short list
}

// word is a Word with what it does. A nil parse marks "state" and "exclude", which the parser treats itself, since several in a row are one test.
type word struct {
	Word
	needs Needs
	parse func(*parser, *word) (node, *SyntaxError)

	side tcp.Side // of hosts and ports

	number func(*look.Row) span // of numbers
	unit   unit

	named  func(*look.Row, string) truth // of names
	want   string
	normal func(string) (string, error)
	known  func(Options) []string

	flag      func(*look.Row) bool // of words that stand alone
	condition tcp.Condition
	states    tcp.StateSet
}

// Words returns every word of the language in the order a help text wants: the tests by group, then what joins and compares.
func Words() []Word {
	var list []Word
	for _, group := range tests {
		for _, w := range group.words {
			w.Group = group.name
			w.Values = slices.Clone(w.Values)
			list = append(list, w.Word)
		}
	}
	return append(list, grammar()...)
}

// grammar describes the words of the language that are no tests.
func grammar() []Word {
	const joining, comparing = "Joining tests", "Comparing"
	return []Word{
		{Name: "not", Aliases: []string{"!"}, Group: joining, Syntax: "not TEST", Meaning: "the test is false; binds tightest",
			Example: "not sport = :22"},
		{Name: "and", Aliases: []string{"&", "&&"}, Group: joining, Syntax: "TEST and TEST", Meaning: "both are true; may be left out",
			Example: "state close-wait and age > 5m"},
		{Name: "or", Aliases: []string{"|", "||"}, Group: joining, Syntax: "TEST or TEST", Meaning: "one of them is true; binds loosest",
			Example: "dport = :443 or sport = :8080"},
		{Name: "(", Aliases: []string{")"}, Group: joining, Syntax: "( TEST ... )", Meaning: "groups tests",
			Example: "state close-wait ( dport = :443 or sport = :8080 )"},
		{Name: "=", Aliases: []string{"==", "eq"}, Group: comparing, Syntax: "WORD = VALUE", Meaning: "is equal; names may contain * and ?",
			Example: "comm = ngin*"},
		{Name: "!=", Aliases: []string{"ne", "neq"}, Group: comparing, Syntax: "WORD != VALUE", Meaning: "is not equal",
			Example: "uid != 0"},
		{Name: "<", Aliases: []string{"lt"}, Group: comparing, Syntax: "WORD < VALUE", Meaning: "is less", Example: "ends < 10m"},
		{Name: "<=", Aliases: []string{"le", "leq"}, Group: comparing, Syntax: "WORD <= VALUE", Meaning: "is at most", Example: "sport <= :1023"},
		{Name: ">", Aliases: []string{"gt"}, Group: comparing, Syntax: "WORD > VALUE", Meaning: "is more", Example: "recvq > 0"},
		{Name: ">=", Aliases: []string{"ge", "geq"}, Group: comparing, Syntax: "WORD >= VALUE", Meaning: "is at least", Example: "retrans >= 3"},
	}
}

type group struct {
	name  string
	words []word
}

// tests is the table of all words that begin a test.
var tests = []group{
	{"Connection (tested by the kernel)", connectionWords()},
	{"Queues and timers", timerWords()},
	{"Holder and place", ownerWords()},
	{"Diagnosis", diagnosisWords()},
}

// vocabulary is the tests by all their spellings. The nodes of all filters share its entries.
var vocabulary = spellings(tests)

func spellings(groups []group) map[string]*word {
	index := make(map[string]*word)
	for _, group := range groups {
		for i := range group.words {
			w := &group.words[i]
			for _, name := range slices.Concat([]string{w.Name}, w.Aliases) {
				index[name] = w
			}
		}
	}
	return index
}
