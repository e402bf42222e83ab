package record

import "strings"

// unnumbered takes away what grep puts before a line, with -n its number ("12:", and "13-" before what stands around), and with several files their names ("ss.txt:12:"),
// where what follows can only be the beginning of a socket's line, or the line before bore a number, too.
func (p *parser) unnumbered(line string) string {
	digits := 0
	for digits < len(line) && line[digits] >= '0' && line[digits] <= '9' {
		digits++
	}
	if digits > 0 && digits < len(line) && (line[digits] == ':' || line[digits] == '-') {
		rest := line[digits+1:]
		if p.numbered || begins(rest) {
			p.numbered = true
			return rest
		}
	}
	p.numbered = false
	w := words{line}
	first := w.next()
	if colon := strings.LastIndexByte(first, ':'); colon > 0 && begins(first[colon+1:]) {
		return line[strings.Index(line, first)+colon+1:]
	}
	return line
}

// begins reports whether a text begins as lines of sockets do, but those without a state.
func begins(text string) bool {
	w := words{text}
	first := w.next()
	_, state := stateNames[first]
	return state || first == "tcp" || first == "tcp6" || isRowNumber(first)
}
