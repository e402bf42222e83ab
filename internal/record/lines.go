package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const longestLine = 64 << 10

// mostOther is how many lines may be no socket, beside those that belong to one: no text that somebody means has so many.
const mostOther = 1_000_000

// lines reads the text line by line. It reads one byte more than allowed to know whether there is more.
func (p *parser) lines(r io.Reader) error {
	bounded := &io.LimitedReader{R: r, N: p.limits.Bytes + 1}
	b := bufio.NewReaderSize(bounded, longestLine)
	for {
		line, err := b.ReadSlice('\n')
		if bounded.N == 0 && errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLong, p.limits.Bytes)
		}
		if len(line) > 0 {
			p.source.Lines++
			switch {
			case errors.Is(err, bufio.ErrBufferFull):
				p.text = string(line[:skipText])
				p.skip(fmt.Sprintf("line longer than %d KiB", longestLine>>10))
				err = discardLine(b)
			default:
				p.line(string(bytes.TrimRight(line, "\r\n")))
			}
		}
		switch {
		case p.tooMany:
			return fmt.Errorf("%w: more than %d, at line %d", ErrTooMany, p.limits.Sockets, p.source.Lines)
		case p.source.Lines-8*len(p.sockets) > mostOther:
			return fmt.Errorf("%w: %d lines, and %s", ErrTooLong, p.source.Lines, plural(len(p.sockets), "socket"))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// discardLine reads on to the end of a line.
func discardLine(b *bufio.Reader) error {
	for {
		if _, err := b.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// clean removes what terminals, mail programs and web pages put around a line: colours, quotation marks, special blanks. It keeps blanks at both ends.
func clean(line string) string {
	if strings.IndexByte(line, 0x1b) >= 0 {
		line = withoutEscapes(line)
	}
	if strings.IndexByte(line, 0xc2) >= 0 {
		line = strings.ReplaceAll(line, "\u00a0", " ")
	}
	line = strings.TrimPrefix(line, "\ufeff")
	for quoted := strings.TrimLeft(line, " \t"); strings.HasPrefix(quoted, "> ") || strings.HasPrefix(quoted, ">\t"); quoted = strings.TrimLeft(line, " \t") {
		line = quoted[2:]
	}
	return strings.TrimSuffix(line, "\r")
}

// withoutEscapes removes the escape sequences of ECMA-48: ESC [ ... letter, ESC ] ... BEL, ESC and one character.
func withoutEscapes(line string) string {
	b := make([]byte, 0, len(line))
	for i := 0; i < len(line); i++ {
		if line[i] != 0x1b || i+1 == len(line) {
			b = append(b, line[i])
			continue
		}
		i++
		switch line[i] {
		case '[':
			for i++; i < len(line) && (line[i] < '@' || line[i] > '~'); i++ {
			}
		case ']':
			for i++; i < len(line) && line[i] != 7 && line[i] != 0x1b; i++ {
			}
		case '(', ')':
			i++
		}
	}
	return string(b)
}

// words hands out what stands between blanks.
type words struct{ rest string }

func (w *words) next() string {
	i := 0
	for i < len(w.rest) && blank(w.rest[i]) {
		i++
	}
	start := i
	for i < len(w.rest) && !blank(w.rest[i]) {
		i++
	}
	word := w.rest[start:i]
	w.rest = w.rest[i:]
	return word
}

// peek returns the next word and leaves it there.
func (w words) peek() string { return w.next() }

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' }
