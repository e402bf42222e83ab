package record

import (
	"math"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// owner is a process named beside a socket. fd is -1 where the text has none.
type owner struct {
	socket, pid, fd int
	name            string
}

// users reads (("java",pid=2214,fd=7),("java",pid=2214,tid=2215,fd=7)) after its first parenthesis, and ("java",2214,7) of ss before 3.17, and returns what
// follows; ok is false when the list has no end. With -T each thread has an entry: those of the process itself are enough.
func (p *parser) users(socket int, text string) (rest string, ok bool) {
	for strings.HasPrefix(text, `("`) {
		// A name can have anything in it, but the kernel cuts it at 15 bytes, which ss may escape.
		end := strings.Index(text[2:], `",`)
		for end >= 0 && !strings.HasPrefix(text[2+end+2:], "pid=") && leadingDigits(text[2+end+2:]) == "" {
			next := strings.Index(text[2+end+2:], `",`)
			if next < 0 || end > 15*4 {
				return "", false
			}
			end += 2 + next
		}
		if end < 0 {
			return "", false
		}
		name, rest := text[2:2+end], text[2+end+2:]
		inner, after, closed := strings.Cut(rest, ")")
		if !closed {
			return "", false
		}
		p.user(socket, name, inner)
		text = strings.TrimPrefix(after, ",")
	}
	return strings.CutPrefix(text, ")")
}

// user reads pid=2214,fd=7 or 2214,7.
func (p *parser) user(socket int, name, text string) {
	o := owner{socket: socket, pid: -1, fd: -1}
	thread := -1
	at := 0
	for part := range strings.SplitSeq(text, ",") {
		key, value, pair := strings.Cut(part, "=")
		if !pair {
			key, value = [...]string{"pid", "fd", ""}[min(at, 2)], part
		}
		at++
		n, ok := number(value, math.MaxInt32)
		switch {
		case !ok:
		case key == "pid":
			o.pid = int(n)
		case key == "tid":
			thread = int(n)
		case key == "fd":
			o.fd = int(n)
		}
	}
	if o.pid > 0 && (thread < 0 || thread == o.pid) {
		o.name = p.keep(name)
		p.owners = append(p.owners, o)
	}
}

// hold joins sockets and processes by inode.
func (p *parser) hold(snapshot *look.Snapshot) {
	if len(p.owners) == 0 {
		return
	}
	type held struct {
		inode   uint32
		pid, fd int
	}
	twice := map[held]bool{} // the same socket in several outputs has the same owners
	snapshot.Holders = look.MakeHolders(len(p.owners))
	snapshot.Processes = map[int]*look.Process{}
	for _, o := range p.owners {
		h := held{p.sockets[o.socket].Inode, o.pid, o.fd}
		if h.inode == 0 || twice[h] {
			continue
		}
		twice[h] = true
		snapshot.Holders.Want(h.inode)
		snapshot.Holders.Add(h.inode, look.Holder{PID: o.pid, FD: o.fd})
		if snapshot.Processes[o.pid] == nil {
			snapshot.Processes[o.pid] = &look.Process{
				PID: o.pid, Comm: o.name, FDs: -1, FDLimit: -1, Workload: look.Workload{Name: o.name, Kind: look.KindProcess},
			}
		}
	}
	snapshot.Holders.Sort()
}
