package render

import (
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// piece is text of one role; line is one line of a screen, without its end.
type (
	piece struct {
		text string
		role role
	}
	line []piece
)

func text(pieces ...string) line {
	l := make(line, len(pieces))
	for i, p := range pieces {
		l[i].text = p
	}
	return l
}

// hang lays out paragraphs of text behind a head, the lines that follow indented by the head's width. At most limit lines, 0 for any number.
func (s Style) hang(head line, body string, limit int) []line {
	indent := 0
	for _, p := range head {
		indent += columns(p.text)
	}
	var lines []line
	for i, part := range s.wrapAtMost(body, max(s.width()-indent, 8), limit) {
		if i == 0 {
			lines = append(lines, append(append(line{}, head...), piece{text: part}))
		} else {
			lines = append(lines, text(strings.Repeat(" ", indent)+part))
		}
	}
	return lines
}

// write prints lines, each cut to the width whatever its author thought of it, but for commands in depth: what is to be pasted has to be whole.
func (s Style) write(w io.Writer, lines []line) error {
	var b []byte
	for _, l := range lines {
		b = append(s.appendLine(b, l), '\n')
	}
	_, err := w.Write(b)
	return err
}

func (s Style) appendLine(b []byte, l line) []byte {
	room, mark := columns(strings.TrimRight(l.String(), " ")), ""
	if room > s.width() && l[len(l)-1].role != pasted {
		mark = s.glyphs().ellipsis
		room = s.width() - columns(mark)
	}
	for _, p := range l {
		part := p.text
		if columns(part) > room {
			part = displaywidth.TruncateString(part, room, "")
		}
		room -= columns(part)
		if part != "" {
			b = s.appendStop(append(s.appendStart(b, p.role), part...), p.role)
		}
		if len(part) < len(p.text) {
			break
		}
	}
	return append(b, mark...)
}

// String returns the text of the line.
func (l line) String() string {
	var b strings.Builder
	for _, p := range l {
		b.WriteString(p.text)
	}
	return b.String()
}
