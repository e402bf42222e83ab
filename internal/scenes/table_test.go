package scenes

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of /proc/net/tcp (include/net/tcp_states.h).
const (
	established = 1
	synSent     = 2
	finWait1    = 4
	finWait2    = 5
	timeWait    = 6
	closeWait   = 8
	lastAck     = 9
	listen      = 10
)

// row is a line of /proc/net/tcp or tcp6.
type row struct {
	local, peer  netip.AddrPort // IPv4-mapped ones as IPv4
	state        int
	sendQ, recvQ int
	timer, count int
	inode        int
}

func (r row) String() string {
	return fmt.Sprintf("state %d recvq %d sendq %d %v > %v timer %d/%d ino %d", r.state, r.recvQ, r.sendQ, r.local, r.peer, r.timer, r.count, r.inode)
}

// table is the TCP sockets of a place.
type table []row

func (p *place) table() (all table) {
	p.t.Helper()
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		text, err := os.ReadFile(p.proc(name))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
			f := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
			send, receive, _ := strings.Cut(f[4], ":")
			timer, _, _ := strings.Cut(f[5], ":")
			all = append(all, row{
				local: endpoint(f[1]), peer: endpoint(f[2]), state: hexadecimal(f[3]), sendQ: hexadecimal(send), recvQ: hexadecimal(receive),
				timer: hexadecimal(timer), count: hexadecimal(f[6]), inode: decimal(f[9]),
			})
		}
	}
	return all
}

func hexadecimal(s string) int { n, _ := strconv.ParseInt(s, 16, 64); return int(n) }
func decimal(s string) int     { n, _ := strconv.Atoi(s); return n }

// endpoint reads an address as /proc/net/tcp prints it: words of 32 bits in the byte order of the host.
func endpoint(s string) netip.AddrPort {
	words, port, _ := strings.Cut(s, ":")
	raw, _ := hex.DecodeString(words)
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(hexadecimal(port)))
}

// at returns the sockets in a state whose own port is this one.
func (t table) at(port uint16, state int) (found table) {
	for _, r := range t {
		if r.local.Port() == port && r.state == state {
			found = append(found, r)
		}
	}
	return found
}

// to returns the sockets in a state whose peer's port is this one.
func (t table) to(port uint16, state int) (found table) {
	for _, r := range t {
		if r.peer.Port() == port && r.state == state {
			found = append(found, r)
		}
	}
	return found
}

// queued returns those that wait to be accepted, owned those that a program has.
func (t table) queued() table { return t.where(func(r row) bool { return r.inode == 0 }) }
func (t table) owned() table  { return t.where(func(r row) bool { return r.inode != 0 }) }

func (t table) where(is func(row) bool) (found table) {
	for _, r := range t {
		if is(r) {
			found = append(found, r)
		}
	}
	return found
}

// await waits until the table looks as described.
func (p *place) await(what string, is func(table) bool) (standing table) {
	p.t.Helper()
	eventually(p.t, patience, 100*time.Millisecond, func() string {
		standing = p.table()
		if is(standing) {
			return ""
		}
		var lines []string
		for _, r := range standing {
			lines = append(lines, r.String())
		}
		return "not yet: " + what + "\n" + strings.Join(lines, "\n")
	})
	return standing
}

// listening waits until somebody listens on each of the ports.
func (p *place) listening(ports ...uint16) {
	p.t.Helper()
	p.await(fmt.Sprintf("listeners on %v", ports), func(t table) bool {
		return !slices.ContainsFunc(ports, func(port uint16) bool { return len(t.at(port, listen)) == 0 })
	})
}

// stuck waits until so many sockets of a port are in CLOSE_WAIT and held by somebody, and so many are not.
func (p *place) stuck(port uint16, owned, queued int) table {
	p.t.Helper()
	all := p.await(fmt.Sprintf("port %d: %d owned CLOSE_WAIT, %d queued", port, owned, queued), func(t table) bool {
		here := t.at(port, closeWait)
		return len(here.owned()) == owned && len(here.queued()) == queued
	})
	return all.at(port, closeWait)
}

// fd returns the number of a process's descriptor of a socket.
func (p *place) fd(pid int, r row) int {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		if target, _ := os.Readlink(filepath.Join(dir, e.Name())); target == fmt.Sprintf("socket:[%d]", r.inode) {
			return decimal(e.Name())
		}
	}
	p.t.Fatalf("pid %d has no descriptor of %v", pid, r)
	return -1
}

// holders returns all processes that have one of the sockets, in order.
func (p *place) holders(all table) (pids []int) {
	p.t.Helper()
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		target, _ := os.Readlink(link)
		if slices.ContainsFunc(all, func(r row) bool { return r.inode != 0 && target == fmt.Sprintf("socket:[%d]", r.inode) }) {
			pids = append(pids, decimal(strings.Split(link, "/")[2]))
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}
