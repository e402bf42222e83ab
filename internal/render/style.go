package render

import "time"

// Style says how text is to look. The zero Style is unlimited in width and height, has no colour and uses Unicode.
type Style struct {
	// Width is the number of columns no line exceeds; 0 means there is no limit. Screens need at least 20 and take less for 20.
	Width int
	// Height is the number of rows a screen tries to fit into, the next prompt included; 0 means there is no limit.
	Height int
	// Color allows the eight ANSI colours. Nothing is said by colour alone.
	Color bool
	// ASCII keeps to 7 bits: glyphs are replaced, other characters escaped.
	ASCII bool
	// Verbose shows notes that do not make an answer incomplete.
	Verbose bool
	// Now is the moment that relative times count from; the zero Time stands for the moment the report was taken.
	Now time.Time
}

const minWidth = 20

// width returns the number of columns of a screen.
func (s Style) width() int {
	if s.Width == 0 {
		return 1 << 20
	}
	return max(s.Width, minWidth)
}

// narrow reports whether a screen has no room for labels beside their text.
func (s Style) narrow() bool { return s.width() < 60 }

type glyphs struct{ cross, bang, check, dot, arrow, plusMinus, ellipsis string }

// glyphs returns the signs of the style. All but the last three are one column wide.
func (s Style) glyphs() glyphs {
	if s.ASCII {
		return glyphs{"x", "!", "+", "-", "->", "+-", "..."}
	}
	return glyphs{"✗", "!", "✓", "·", "→", "±", "…"}
}

// role is what a piece of text is, for the colours.
type role uint8

const (
	plain role = iota
	strong
	faint
	critical
	warning
	good
	reference
	pasted // a command: never cut, whatever the width
)

// sgr holds the parameters of the ANSI "select graphic rendition" sequence of each role.
var sgr = [...]string{plain: "", strong: "1", faint: "2", critical: "1;31", warning: "1;33", good: "1;32", reference: "36", pasted: "1"}

// appendStart appends the sequence that begins a role, appendStop the one that ends it.
func (s Style) appendStart(b []byte, r role) []byte {
	if !s.Color || sgr[r] == "" {
		return b
	}
	return append(append(append(b, "\x1b["...), sgr[r]...), 'm')
}

func (s Style) appendStop(b []byte, r role) []byte {
	if !s.Color || sgr[r] == "" {
		return b
	}
	return append(b, "\x1b[0m"...)
}
