package remedies

import (
	"strconv"

	"github.com/closewait/closewait/internal/report"
)

// The causes that lie in limits of the host or of a process.

// helpLimit raises the limit of a program that needs more, for as long as it runs. Where a leak fills it, that comes first.
func helpLimit(c *Case) []report.Remedy {
	var list []report.Remedy
	if c.CausedBy != nil {
		list = append(list, read("closewait show "+*c.CausedBy, "shows what fills the table of descriptors; that is to be mended"))
		list = append(list, c.restart()...)
	}
	if c.FDLimit != nil && c.FDLimit.Limit > 0 && len(c.Processes) == 1 {
		wanted := strconv.Itoa(2 * c.FDLimit.Limit)
		list = append(list, report.Remedy{
			Command: "prlimit --pid " + c.pid() + " --nofile=" + wanted + ":" + wanted, Effect: "doubles the limit of the running process; LimitNOFILE= or ulimit -n keeps it after a restart",
			Undoable: true, Risk: "programs that use select() break above 1,024; a leak fills this as well",
		})
	}
	if len(list) == 0 && len(c.Processes) > 0 {
		list = append(list, read("ls -l /proc/"+c.pid()+"/fd", "shows what the descriptors are: sockets, files, pipes"))
	}
	return list
}

func notForLimits(*Case) []report.NotRemedy {
	return nots("fs.file-max", "it is the limit of the whole host; the process meets its own first",
		"destroying sockets (ss -K)", "the descriptors stay open")
}

func helpPorts(c *Case) []report.Remedy {
	return []report.Remedy{
		read("closewait show peer "+firstPeer(c), "shows which program has so many connections to it; keeping and using them again needs no new ports"),
		{
			Command: c.within("sysctl -w net.ipv4.ip_local_port_range='1024 65535'"), Effect: "gives more ports to new connections", Undoable: true,
			Risk: "a service that wants to listen on such a port finds it taken; see ip_local_reserved_ports",
		},
	}
}

func notForPorts(*Case) []report.NotRemedy {
	return nots("tcp_fin_timeout", "TIME_WAIT lasts 60 s whatever it says",
		"tcp_tw_recycle", "it broke clients behind NAT and is gone since Linux 4.12")
}

func helpMemory(*Case) []report.Remedy {
	return []report.Remedy{
		read("closewait ls 'sendq > 1M or recvq > 1M'", "shows whose queues take the memory: readers and peers that do not read"),
		read("cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem", "shows the pages in use (mem) beside the limits"),
	}
}

func notForMemory(*Case) []report.NotRemedy {
	return nots("a higher tcp_mem", "it delays the same end, and takes the memory from everything else",
		"a higher tcp_max_orphans", "orphans are kept for peers that do not answer; each costs memory")
}

// firstPeer is the busiest peer for a command.
func firstPeer(c *Case) string {
	if len(c.Peers) == 0 {
		return "ADDRESS"
	}
	p := c.Peers[0]
	if p.Port == nil {
		return address(p.Address)
	}
	return endpoint(report.Endpoint{Address: p.Address, Port: *p.Port})
}
