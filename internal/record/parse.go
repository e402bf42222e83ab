package record

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// Limits bounds what is read. A zero value stands for the default.
type Limits struct {
	Bytes   int64 // 64 MiB
	Sockets int   // a million
}

const (
	defaultBytes   = 64 << 20
	defaultSockets = 1_000_000
)

// What [Parse] fails with, besides the errors of its reader.
var (
	// ErrUnreadable says that the text has nothing in it that could be read.
	ErrUnreadable = errors.New("no socket of ss, netstat or /proc/net/tcp in the text")
	// ErrTooLong says that the text is longer than Limits allow.
	ErrTooLong = errors.New("text too long")
	// ErrTooMany says that there are more sockets than Limits allow.
	ErrTooMany = errors.New("too many sockets")
)

// parser is the state of one Parse.
type parser struct {
	limits   Limits
	text     string // the line at hand, without noise and blanks around it
	indented bool   // it began with a blank
	numbered bool   // the line before bore a number
	broken   string // a line that broke off after its first address
	whole    bool   // nothing was cut off at its end, as the blanks there show
	source   *Source
	sockets  []tcp.Socket
	infos    tcp.Infos      // of sockets
	info     tcp.InfoBuffer // of the one at hand
	marks    []mark         // of the same sockets
	section  section
	seen     evidence // what all finished sections show together
	owners   []owner
	strings  map[string]string
	formats  []string // in the order of appearance
	tooMany  bool
	command  command // the last command line seen
	tuples   map[tcp.Tuple]struct{}
	tupled   int // sockets whose tuples are in tuples
}

// mark is what is remembered of a socket until its section ends.
type mark struct {
	line    int32 // length of the line with its tcp_info, 0 if there was none
	last    uint8 // position in infoFields of the last field shown
	whole   bool  // that line was not cut
	damaged bool  // a field could not be read
	star    bool  // the local address is "*"
	doubt   bool  // an address may have been cut by netstat
	untimed bool  // no timer is shown
}

// Parse reads pasted text and returns it as a look taken at takenAt, in one namespace of unknown name and limits. It fails with ErrUnreadable, ErrTooLong,
// ErrTooMany or the error of r; the Source is returned with them as far as it goes.
func Parse(r io.Reader, takenAt time.Time, limits Limits) (*look.Snapshot, *Source, error) {
	if limits.Bytes <= 0 {
		limits.Bytes = defaultBytes
	}
	if limits.Sockets <= 0 {
		limits.Sockets = defaultSockets
	}
	p := &parser{limits: limits, source: &Source{}, strings: map[string]string{}}
	p.begin("")
	if err := p.lines(r); err != nil {
		return nil, p.source, err
	}
	p.source.Lines++ // the line after the last
	p.unbroken()
	p.source.Lines--
	p.end()
	if len(p.sockets) == 0 && (p.source.Skipped.Lines > 0 || p.seen.formats == 0) {
		return nil, p.source, p.unreadable()
	}
	return p.snapshot(takenAt), p.source, nil
}

const expected = `want the output of "ss -tnoi", "ss -tanp", "netstat -tno", "netstat -natp" or /proc/net/tcp, for example:
tcp  0  1  10.0.0.3:80  203.0.113.9:5121  CLOSE_WAIT  on (110.84/13/0)`

func (p *parser) unreadable() error {
	if len(p.source.Skipped.First) == 0 {
		return fmt.Errorf("%w (%d lines); %s", ErrUnreadable, p.source.Lines, expected)
	}
	first := p.source.Skipped.First[0]
	return fmt.Errorf("%w (%d lines); line %d: %s; %s", ErrUnreadable, p.source.Lines, first.Line, first.Reason, expected)
}

// add takes a socket and what is known of it, unless there are too many.
func (p *parser) add(s *tcp.Socket, d *Detail, m mark) bool {
	if len(p.sockets) >= p.limits.Sockets {
		p.tooMany = true
		return false
	}
	d.Line = p.source.Lines
	p.sockets = append(p.sockets, *s)
	p.source.Details = append(p.source.Details, *d)
	p.marks = append(p.marks, m)
	return true
}

// keep returns one copy of a text for all sockets that have the same, so that no line is kept for a word of it.
func (p *parser) keep(text string) string {
	if kept, ok := p.strings[text]; ok {
		return kept
	}
	kept := string(append([]byte(nil), text...))
	p.strings[kept] = kept
	return kept
}
