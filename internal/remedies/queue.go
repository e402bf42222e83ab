package remedies

import (
	"strconv"

	"github.com/closewait/closewait/internal/report"
)

// The causes that lie with whoever should accept.

// helpQueue says first what keeps the listener's program from accepting; a restart is the last resort, as it resets the clients who wait.
func helpQueue(c *Case) []report.Remedy {
	var list []report.Remedy
	if c.CausedBy == nil && len(c.Processes) > 0 {
		list = append(list, read("closewait show pid "+strconv.Itoa(c.Processes[0].PID), "shows what its threads do instead of accepting"))
	}
	for _, r := range c.restart() {
		r.Effect, r.Risk = "closes the listener: the queue is emptied and the clients in it are reset", "interrupts the service; waiting clients get a reset"
		list = append(list, r)
	}
	return list
}

func notForQueues(*Case) []report.NotRemedy {
	return nots("destroying the sockets (ss -K)", "their places in the accept queue stay taken: only accept() or closing the listener frees them",
		"a larger backlog, net.core.somaxconn", "it is more waiting room, not more service",
		"looking for a missing close()", "the program has never been handed these connections")
}

// helpOverflow is for a queue that was full and may be empty again.
func helpOverflow(c *Case) []report.Remedy {
	command := "ss -tln"
	if c.Local != nil {
		command += " 'sport = :" + strconv.Itoa(int(c.Local.Port)) + "'"
	}
	return []report.Remedy{
		read(c.within(command), "shows the queue now (Recv-Q) and its backlog (Send-Q)"),
		{
			Command: "sysctl -w net.core.somaxconn=4096", Effect: "allows a longer queue, when the program also asks listen() for it and is restarted", Undoable: true,
			Risk: "clients wait longer where the program is too slow, not too bursty",
		},
	}
}

func notForOverflow(*Case) []report.NotRemedy {
	return nots("tcp_max_syn_backlog", "it is about half-open connections; this queue holds complete ones",
		"a larger backlog for a program that is too slow", "it fills as well; only bursts fit into it")
}
