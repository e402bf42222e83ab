package cli

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// ownConnection returns what tells the connection the user came in by: the one that sshd has put into the environment of a process we descend from, or one that an
// ancestor outside our session holds. A shell, sudo and a service are in one session with what they start; sshd is not.
func ownConnection() func(*look.Row) bool {
	proc := procfs.New("/proc")
	return ownOf(proc.Lineage(proc.Self()))
}

func ownOf(line []procfs.Ancestor) func(*look.Row) bool {
	var tuples []tcp.Tuple
	var outside []int
	for _, ancestor := range line {
		if tuple, ok := sshTuple(ancestor.SSHConnection); ok {
			tuples = append(tuples, tuple)
		}
		if ancestor.Session != line[0].Session {
			outside = append(outside, ancestor.PID)
		}
	}
	return func(r *look.Row) bool {
		if r.Socket.State == tcp.Listen {
			return false
		}
		return slices.Contains(tuples, r.Socket.Tuple()) || slices.ContainsFunc(r.Holders, func(h look.Holder) bool { return slices.Contains(outside, h.PID) })
	}
}

// sshTuple reads SSH_CONNECTION: the client's address and port, and the server's (ssh(1)).
func sshTuple(text string) (tcp.Tuple, bool) {
	words := strings.Fields(text)
	if len(words) != 4 {
		return tcp.Tuple{}, false
	}
	peer, ok := endpoint(words[0], words[1])
	local, okLocal := endpoint(words[2], words[3])
	return tcp.Tuple{Local: local, Peer: peer}, ok && okLocal
}

func endpoint(address, port string) (tcp.Endpoint, bool) {
	ip, err := netip.ParseAddr(address)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return tcp.EndpointFrom(ip.Unmap(), uint16(n)), err == nil && errPort == nil
}
