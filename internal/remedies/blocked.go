package remedies

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// The causes that lie in threads which do not run on.

// helpBlocked ends the writes that block the workers, where that is what blocks them: then the others are served at once. The connections concerned
// have a peer that takes nothing. What a blocked read waits for may still come: whoever does not answer is looked at, and then only a restart is left.
func helpBlocked(c *Case) []report.Remedy {
	var list []report.Remedy
	var ends []report.Endpoint
	for i := range c.Culprits {
		if k := &c.Culprits[i]; k.What == "blocked_in_write" && k.Peer != nil {
			ends = append(ends, *k.Peer)
		}
	}
	if command := c.destroy(ends); command != "" {
		list = append(list, report.Remedy{
			Command: command, Effect: "ends the blocked writes; the workers then serve and close the others", FreesFDs: true,
			Risk: "what is queued on these connections is lost; as root",
		})
	}
	list = append(list, c.whoAnswers("shows whom they wait for; until that answers, new workers wait likewise")...)
	return append(list, c.restart()...)
}

// helpLoop shows what the loop waits for, where that is an answer, and ends it where somebody can.
func helpLoop(c *Case) []report.Remedy {
	if c.runtime == Redis {
		return append(c.endCommand(), wait("when the command ends, the others are served"))
	}
	return append(c.whoAnswers("shows whom it waits for; until that answers, it waits again after a restart"), c.restart()...)
}

// whoAnswers shows why no answer comes to those who wait for one, nothing where nobody does.
func (c *Case) whoAnswers(effect string) []report.Remedy {
	switch waited := c.awaited(); {
	case c.CausedBy != nil:
		return []report.Remedy{read("closewait show "+*c.CausedBy, "shows why the program that should answer does not; until it does, a restart leads to the same")}
	case waited != nil:
		return []report.Remedy{read("closewait show peer "+endpoint(*waited), effect)}
	case len(c.errands()) > 0:
		return []report.Remedy{c.endErrands()}
	case c.culprit("uninterruptible") != nil:
		return []report.Remedy{c.stack(", and until it does a signal to end it may wait, too")}
	}
	for i := range c.Culprits {
		k := &c.Culprits[i]
		if (k.What == "blocked_in_read" || k.What == "blocked_in_write") && k.Peer == nil && k.PID != nil && k.FD != nil {
			return []report.Remedy{read(c.within(fmt.Sprintf("lsof +E -a -p %d -d %d", *k.PID, *k.FD)), "shows what that descriptor is, and who has the other end of a pipe or socket: a restart waits for the same")}
		}
	}
	return nil
}

// errands are the culprits that were started by those who hold the sockets and execute a program of their own, or the only such program that a culprit has started who waits for its end, and what these have started in turn.
func (c *Case) errands() (pids []int) {
	own := c.pids()
	for i := range c.Culprits {
		k := &c.Culprits[i]
		switch {
		case k.PID == nil:
		case !slices.Contains(own, *k.PID):
			if p := c.of[*k.PID]; p != nil && slices.Contains(own, p.PPID) && executed(p) {
				pids = append(pids, p.PID)
			}
		case k.Syscall != nil && slices.Contains([]string{"wait4", "waitid", "waitpid"}, *k.Syscall):
			if child := c.onlyChild(*k.PID); child != 0 && !slices.Contains(own, child) {
				pids = append(pids, child)
			}
		}
	}
	for i := 0; i < len(pids); i++ {
		if p := c.of[pids[i]]; p != nil && p.Activity != nil {
			pids = append(pids, p.Activity.Children...)
		}
	}
	return pids
}

func executed(p *look.Process) bool { return p.Activity != nil && p.Activity.Executed }

// onlyChild is the one process that another has started and that executes a program of its own, 0 where there are none or several.
func (c *Case) onlyChild(pid int) (only int) {
	if p := c.of[pid]; p != nil && p.Activity != nil {
		for _, child := range p.Activity.Children {
			if p := c.of[child]; p != nil && executed(p) {
				if only != 0 {
					return 0
				}
				only = child
			}
		}
	}
	return only
}

// endErrands ends them all at once: what one of them has started has its output as well.
func (c *Case) endErrands() report.Remedy {
	command := "kill"
	for _, pid := range c.errands()[:min(len(c.errands()), mostPIDs)] {
		command += " " + strconv.Itoa(pid)
	}
	return report.Remedy{Command: command, Effect: "ends the programs whose end or output is waited for: who has started them goes on", FreesFDs: true, Risk: "interrupts what they do"}
}

// awaited is the peer for whose answer the most workers wait, nil if they wait for none.
func (c *Case) awaited() (peer *report.Endpoint) {
	counts, most := map[report.Endpoint]int{}, 0
	for i := range c.Culprits {
		k := &c.Culprits[i]
		if (k.What != "blocked_in_read" && k.What != "blocked_in_connect") || k.Peer == nil {
			continue
		}
		if counts[*k.Peer]++; counts[*k.Peer] > most {
			peer, most = k.Peer, counts[*k.Peer]
		}
	}
	return peer
}

// destroy is the command that ends connections to some peers, "" for none.
func (c *Case) destroy(peers []report.Endpoint) string {
	var each []string
	for _, p := range peers[:min(len(peers), mostPIDs)] {
		each = append(each, "dst "+address(p.Address)+" and dport = :"+strconv.Itoa(int(p.Port)))
	}
	if len(each) == 0 {
		return ""
	}
	return c.within("ss -K '( " + strings.Join(each, " ) or ( ") + " )'")
}

func notForBlocked(c *Case) []report.NotRemedy {
	list := []string{}
	if c.never() {
		list = append(list, "tcp_retries2, tcp_fin_timeout, tcp_keepalive_*", "no timer ends what a blocked thread waits for here")
	}
	if c.Code == "CW106" {
		list = append(list, "destroying the sockets (ss -K)", "the thread that would notice is the one that is blocked")
	}
	return nots(append(list, "a longer queue or more descriptors", "they hold more clients that wait for the same threads")...)
}

// helpStopped lets the holder run again, in the way that fits how it was stopped.
func helpStopped(c *Case) []report.Remedy {
	switch {
	case c.culprit("frozen") != nil:
		return c.thaw()
	case c.culprit("uninterruptible") != nil:
		return []report.Remedy{c.stack("")}
	}
	if len(c.holders) > 0 && c.holders[0].Traced() {
		return []report.Remedy{read("grep TracerPid /proc/"+c.pid()+"/status", "names the debugger or tracer that holds it: it runs on when that lets it, or ends")}
	}
	command := "kill -CONT"
	pids := c.stopped()
	for _, pid := range pids[:min(len(pids), mostPIDs)] {
		command += " " + strconv.Itoa(pid)
	}
	if len(pids) == 0 {
		return nil
	}
	return []report.Remedy{{
		Command: command, Effect: "lets it run on; it then reads and closes what waits", FreesFDs: true, Undoable: true,
		Risk: "somebody stopped it for a reason",
	}}
}

// stack shows what a thread in uninterruptible sleep waits for.
func (c *Case) stack(also string) report.Remedy {
	of := c.pid()
	if k := c.culprit("uninterruptible"); k.PID != nil && k.TID != nil {
		of = strconv.Itoa(*k.PID) + "/task/" + strconv.Itoa(*k.TID)
	}
	return read("cat /proc/"+of+"/stack", "shows what in the kernel it waits for: a disk or a network file system as a rule; it goes on when that answers"+also)
}

// stopped are the processes that a signal has stopped: of several that hold a connection one may be.
func (c *Case) stopped() (pids []int) {
	for i := range c.Culprits {
		if k := &c.Culprits[i]; k.What == "stopped" && k.PID != nil {
			pids = append(pids, *k.PID)
		}
	}
	return pids
}

func (c *Case) thaw() []report.Remedy {
	if len(c.holders) == 0 {
		return nil
	}
	w := c.holders[0].Workload
	var command string
	switch {
	case w.Kind == look.KindContainer && (w.Runtime == "docker" || w.Runtime == "podman"):
		command = w.Runtime + " unpause " + shellWord(w.Name)
	case w.Kind == look.KindUnit && user(w.Cgroup) == "":
		command = "systemctl thaw " + shellWord(w.Unit)
	case strings.HasPrefix(w.Cgroup, "/") && w.Cgroup != "/":
		command = "echo 0 > " + shellWord("/sys/fs/cgroup"+w.Cgroup+"/cgroup.freeze")
	default:
		return nil
	}
	if !typable(command) {
		return nil
	}
	return []report.Remedy{{
		Command: command, Effect: "lets it run on; it then reads and closes what waits", FreesFDs: true, Undoable: true, Risk: "somebody froze it for a reason",
	}}
}

func notForStopped(c *Case) []report.NotRemedy {
	list := []string{"looking for a missing close()", "it does not run, so it cannot close anything",
		"destroying the sockets (ss -K)", "the descriptors stay, and it finds dead connections when it runs on"}
	if c.culprit("uninterruptible") != nil {
		list = append(list, "ending the process", "a signal waits until the kernel has its answer, too")
	}
	return nots(list...)
}
