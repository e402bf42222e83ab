package procfs

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Count is a number that the kernel may or may not have reported. The zero value is "not reported".
type Count struct {
	N        int64
	Reported bool
}

// Sockstat is what /proc/PID/net/sockstat and sockstat6 say about TCP (sockstat_seq_show in net/ipv4/proc.c, sockstat6_seq_show in net/ipv6/proc.c).
type Sockstat struct {
	// InUse is the number of IPv4 sockets in the tables of the namespace, listeners included, time-wait sockets not (sock_prot_inuse_get).
	InUse Count
	// InUse6 is the same for IPv6.
	InUse6 Count
	// Orphans is the number of sockets that no process holds, of the whole host (tcp_orphan_count_sum).
	Orphans Count
	// TimeWait is the number of time-wait sockets of the namespace, of the whole host before namespaces had a count of their own.
	TimeWait Count
	// Allocated is the number of TCP sockets of any state and family, dead ones that are still open included, of the whole host.
	Allocated Count
	// MemoryPages is the memory in the queues of TCP, in pages, of the whole host (proto_memory_allocated).
	MemoryPages Count
}

// ParseSockstat parses /proc/PID/net/sockstat, sockstat6, or one after the other. What is not in the text is not reported.
func ParseSockstat(r io.Reader) (Sockstat, error) {
	var s Sockstat
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		for i := 1; i+1 < len(words); i += 2 {
			if to := s.field(words[0], words[i]); to != nil {
				n, err := strconv.ParseInt(words[i+1], 10, 64)
				*to = Count{n, err == nil}
			}
		}
	}
	return s, opError("parse sockstat", "", lines.Err())
}

func (s *Sockstat) field(protocol, name string) *Count {
	switch protocol + name {
	case "TCP:inuse":
		return &s.InUse
	case "TCP6:inuse":
		return &s.InUse6
	case "TCP:orphan":
		return &s.Orphans
	case "TCP:tw":
		return &s.TimeWait
	case "TCP:alloc":
		return &s.Allocated
	case "TCP:mem":
		return &s.MemoryPages
	}
	return nil
}
