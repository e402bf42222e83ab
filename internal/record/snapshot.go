package record

import (
	"fmt"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// snapshot makes a look of what was read.
func (p *parser) snapshot(takenAt time.Time) *look.Snapshot {
	p.standIn()
	s := &look.Snapshot{TakenAt: takenAt, Namespaces: []look.Namespace{{Sockets: p.sockets}}}
	p.hold(s)
	if missing := p.missing(s); missing != nil {
		s.Missing = []look.Missing{*missing}
	}
	p.source.Format = strings.Join(p.formats, ", ")
	p.source.Sockets = len(p.sockets)
	p.source.Unknown = p.unknown()
	return s
}

// standIn gives sockets the identity that the text does not show.
func (p *parser) standIn() {
	const floor = 0xf000_0000 // inode numbers from here on are real on hosts only that made billions of sockets and pipes
	taken := map[uint32]bool{}
	for i := range p.sockets {
		if n := p.sockets[i].Inode; n >= floor {
			taken[n] = true
		}
	}
	next := uint32(1<<32 - 1)
	for i := range p.sockets {
		s := &p.sockets[i]
		if s.Cookie == 0 {
			s.Cookie = firstStandIn + tcp.Cookie(i) + 1
		}
		d := &p.source.Details[i]
		if d.InodeKnown || s.State == tcp.FinWait2 && !d.TimerKnown {
			continue // most FIN_WAIT_2 sockets have no owner any more, which their timer would show
		}
		for taken[next] {
			next--
		}
		s.Inode = next
		next--
	}
}

// missing says of how many sockets the text names no owner although there may be one.
func (p *parser) missing(s *look.Snapshot) *look.Missing {
	unowned := 0
	for i := range p.sockets {
		if inode := p.sockets[i].Inode; inode != 0 && !s.Holders.Has(inode) {
			unowned++
		}
	}
	if unowned == 0 {
		return nil
	}
	m := &look.Missing{Code: "CW501", Remedy: "sudo ss -tanoiemp"}
	m.Message = fmt.Sprintf("the text does not name the owners of %s", plural(unowned, "socket"))
	if p.seen.owners {
		m.Message += "; only root is shown those of others"
	}
	return m
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
