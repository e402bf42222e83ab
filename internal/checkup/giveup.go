package checkup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

const (
	// slow is the time from which on a vanished peer holds a socket for too long to go unnoticed.
	slow = 5 * time.Minute
	// least is how long RFC 9293 (3.8.3, SHLD-11) wants a connection to be tried for.
	least = 100 * time.Second
)

// giveup is a value of tcp_retries2 with the namespaces that have it.
type giveup struct {
	retries int64
	limit   time.Duration
	names   []string
	// far is how many of their connections lead to other hosts and are held by a program.
	far int
}

// giveups collects the values of tcp_retries2.
func giveups(s *look.Snapshot) []giveup {
	here := addresses(s)
	var list []giveup
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		retries, known := n.Sysctls["tcp_retries2"]
		if !known || n.Pasted {
			continue
		}
		longest := 120 * time.Second
		if ms, ok := n.Sysctls["tcp_rto_max_ms"]; ok && ms > 0 {
			longest = time.Duration(ms) * time.Millisecond
		}
		g := giveup{retries: retries, limit: forecast.Timeout(int(retries), longest)}
		at := slices.IndexFunc(list, func(other giveup) bool { return other.retries == g.retries && other.limit == g.limit })
		if at < 0 {
			list, at = append(list, g), len(list)
		}
		list[at].names = append(list[at].names, nameOf(n))
		list[at].far += far(n, here)
	}
	slices.SortFunc(list, func(a, b giveup) int { return cmp.Compare(b.limit, a.limit) })
	return list
}

// addresses are the local addresses of all connections: who connects to one of them stays on this host.
func addresses(s *look.Snapshot) map[string]bool {
	here := map[string]bool{}
	for i := range s.Namespaces {
		for j := range s.Namespaces[i].Sockets {
			here[s.Namespaces[i].Sockets[j].Local.Addr().Unmap().String()] = true
		}
	}
	return here
}

// far counts the connections to other hosts that a program holds: only those wait for tcp_retries2 when the peer vanishes, and not those that are known to have a shorter
// TCP_USER_TIMEOUT of their own.
func far(n *look.Namespace, here map[string]bool) int {
	count := 0
	for i := range n.Sockets {
		s := &n.Sockets[i]
		if own := n.Options[s.Cookie].UserTimeout; own > 0 && own < slow {
			continue
		}
		peer := s.Peer.Addr().Unmap()
		if tcp.SetOf(tcp.Established, tcp.CloseWait).Has(s.State) && s.Inode != 0 && !peer.IsLoopback() && !here[peer.String()] {
			count++
		}
	}
	return count
}

// slowGiveup claims that a vanished peer would hold sockets for more than five minutes, where there are such sockets. Refuted by TCP_USER_TIMEOUT on each of them, which
// only their programs know of.
func slowGiveup(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	all := giveups(s)
	for _, g := range all {
		if g.limit < slow || g.far == 0 {
			continue
		}
		found = append(found, g.finding(fmt.Sprintf("%d connections to other hosts in %s would each be held for that long after their peer vanished, if data is under way then and their program has set no TCP_USER_TIMEOUT",
			g.far, list(g.names))))
	}
	if len(all) == 0 {
		skipped = "tcp_retries2 could not be read"
	}
	return found, skipped, ""
}

// rfcMinimum claims that connections are given up earlier than the RFC allows.
func rfcMinimum(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	all := giveups(s)
	for _, g := range all {
		if g.limit < least {
			found = append(found, g.finding(fmt.Sprintf("in %s: paths with outages longer than that lose their connections", list(g.names))))
		}
	}
	if len(all) == 0 {
		skipped = "tcp_retries2 could not be read"
	}
	return found, skipped, ""
}

func (g *giveup) finding(consequence string) report.Finding {
	f := about(report.SeverityInfo, []string{fmt.Sprintf("net.ipv4.tcp_retries2 is %d: %.1f s from the first retransmission", g.retries, g.limit.Seconds()), consequence})
	f.Ends.Limit = &report.Limit{Name: "tcp_retries2", Value: g.retries, Seconds: report.Seconds(g.limit)}
	return f
}

func nameOf(n *look.Namespace) string {
	if n.Name != "" {
		return n.Name
	}
	return fmt.Sprintf("net:[%d]", n.Inode)
}

// list names the first few namespaces.
func list(names []string) string {
	const most = 4
	words := "namespace "
	if len(names) > 1 {
		words = "namespaces "
	}
	text := words + strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
