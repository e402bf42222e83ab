package remedies

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// verify lists commands of other people's tools that show a finding's figures again.
func (c *Case) verify() []report.Command {
	list := []report.Command{}
	if command, shows := c.sockets(); command != "" {
		list = append(list, report.Command{Command: c.within(command), Shows: shows})
	}
	if l := c.Victims.Listener; l != nil && c.Code != "CW404" {
		list = append(list, report.Command{Command: c.within("ss -tln" + sport(l.Port)), Shows: "the queue (Recv-Q) and the backlog (Send-Q) of the listener"})
	}
	for i := range c.Culprits {
		k := &c.Culprits[i]
		if k.PID == nil || k.TID == nil || i == 2 {
			break
		}
		task := "/proc/" + strconv.Itoa(*k.PID) + "/task/" + strconv.Itoa(*k.TID)
		list = append(list, report.Command{
			Command: "head " + task + "/syscall " + task + "/wchan " + task + "/stat",
			Shows:   "the number of the system call the thread is in, its first argument (a descriptor, in hexadecimal), the function of the kernel it waits in, and its state",
		})
	}
	if c.FDLimit != nil && len(c.Processes) > 0 {
		list = append(list, report.Command{
			Command: "ls /proc/" + c.pid() + "/fd | wc -l; grep 'open files' /proc/" + c.pid() + "/limits", Shows: "the descriptors in use and their limit",
		})
	}
	return list
}

// sockets is the question to ss that a finding answers.
func (c *Case) sockets() (command, shows string) {
	switch c.Code {
	case "CW104":
		return "ss -tanoie state connected" + c.selector(), "the connections to the port; those that nobody has accepted have ino:0"
	case "CW404":
		return "ss -tln" + c.selector(), "the queue (Recv-Q) and the backlog (Send-Q) of the listener"
	case "CW110": // lsof writes the same of live sockets outside of its own namespace
		return "nsenter -t " + c.pid() + " -n lsof -nP -a -p " + c.pid() + " | grep -c 'protocol: TCP'", "the descriptors whose connection is over"
	case "CW205":
		return "ss -tanoie state fin-wait-2" + c.selector(), "the sockets, with their inodes: a program holds them"
	case "CW201", "CW202", "CW203", "CW204":
		return "ss -tanoi" + c.selector(), "timer:(kind, next, count), Send-Q, backoff, snd_wnd, lastack (the peer was heard) and lastsnd (data went out) of each, in ms"
	}
	if strings.HasPrefix(c.Code, "CW1") {
		shows = "their number, Recv-Q (bytes, an unread FIN is one; where bytes_received is as much, nothing was read), owner, and lastack: about the time since the FIN, in ms"
		if c.Unanswered != nil && *c.Unanswered > 0 {
			shows += "; where lastsnd is above lastrcv, or data_segs_out is missing, nothing was sent since data came"
		}
		return "ss -tanpoie state close-wait" + c.selector(), shows
	}
	return "", ""
}

// selector is a filter for ss, with a space before it: the local port of a server, or the one peer of a client; "" for all.
func (c *Case) selector() string {
	switch {
	case c.Local != nil && !c.is("client"):
		return sport(c.Local.Port)
	case len(c.Peers) == 1 && c.Peers[0].Port != nil:
		return " '( dst " + address(c.Peers[0].Address) + " and dport = :" + strconv.Itoa(int(*c.Peers[0].Port)) + " )'"
	case len(c.Peers) == 1:
		return " '( dst " + address(c.Peers[0].Address) + " )'"
	}
	return ""
}

func sport(port uint16) string { return " '( sport = :" + strconv.Itoa(int(port)) + " )'" }

// within makes a command act in the finding's network namespace.
func (c *Case) within(command string) string {
	switch n := c.Netns; {
	case n == nil, n.Name != nil && *n.Name == "host":
		return command
	case n.Name != nil && typable(*n.Name):
		return "ip netns exec " + shellWord(*n.Name) + " " + command
	case n.PID != nil:
		return "nsenter -t " + strconv.Itoa(*n.PID) + " -n " + command
	}
	return command
}

// address writes an address for a command: IPv4-mapped ones as IPv4, what is no address not at all.
func address(text string) string {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return "ADDRESS"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}

// endpoint writes both ends' form: 10.1.2.3:443, [2001:db8::1]:443.
func endpoint(e report.Endpoint) string { return address(e.Address) + ":" + strconv.Itoa(int(e.Port)) }
