package remedies

import (
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// The causes that lie in the program which holds the sockets.

// helpLeak is for a program that does not close, and may wait for another before it does.
func helpLeak(c *Case) []report.Remedy {
	if c.CausedBy != nil {
		return append(c.whoAnswers(""), c.restart()...)
	}
	return c.restart()
}

func helpNotReading(c *Case) []report.Remedy {
	switch c.runtime {
	case PostgreSQL:
		return []report.Remedy{c.endBackends("pg_terminate_backend", "ends each session in good order and frees its descriptor", true)}
	case MySQL: // its threads serve one session after the other: one in a statement looks like one that has nothing to do
		return []report.Remedy{read(c.ask("mysql -e 'SHOW FULL PROCESSLIST'"), "shows the session of each of these clients, and its statement if it is in one; KILL with its Id ends it")}
	}
	if c.CausedBy == nil && c.owes() && len(c.Processes) > 0 && !c.runtime.Database() {
		return append([]report.Remedy{read(c.within("lsof +E -a -p "+c.pid()+" -d '^mem'"), "shows who has the other ends of its pipes and local sockets: handlers, scripts and back-ends that may still be at work on these requests")}, c.restart()...)
	}
	return helpLeak(c)
}

func helpPool(*Case) []report.Remedy {
	return []report.Remedy{wait("the pool finds out when it uses them next, and opens new ones")}
}

// helpHandler is for work that nobody waits for. What does it closes the socket when it is done, if it ever is; a database is asked to stop, in its own words.
func helpHandler(c *Case) []report.Remedy {
	switch c.runtime {
	case PostgreSQL:
		return []report.Remedy{
			c.endBackends("pg_cancel_backend", "stops the statement; the session then sees that its client is gone and ends", false),
			wait("the statement runs to its end, with the locks it holds; the session ends after it"),
		}
	case MySQL:
		return []report.Remedy{read(c.ask("mysql -e 'SHOW FULL PROCESSLIST'"), "shows the statement; KILL QUERY with its Id stops it")}
	case MongoDB:
		return []report.Remedy{read(c.ask("mongosh --eval 'db.currentOp()'"), "shows the operation; db.killOp with its opid stops it")}
	case Redis:
		return append(c.endCommand(), wait("when the command ends, the socket is closed"))
	}
	list := []report.Remedy{wait("when the work ends, the socket is closed")}
	return append(append(list, c.whoAnswers("shows whom it waits for; when that answers, the work ends")...), c.restart()...)
}

// endCommand asks Redis to end the one thing it does that can be ended: a script, which computes. To a shutdown in good order it answers BUSY meanwhile. Where it waits for somebody or something instead, as for another
// node that keys are moved to, it shows for whom.
func (c *Case) endCommand() []report.Remedy {
	if !slices.ContainsFunc(c.Culprits, func(k report.Culprit) bool { return k.What == "busy_cpu" }) {
		return c.whoAnswers("shows whom it waits for; when that answers, the command ends")
	}
	return []report.Remedy{{
		Command: c.ask("redis-cli SCRIPT KILL"), Effect: "ends a Lua script that has written nothing; one that has, and any other command, runs to its end", Risk: "the script's client, if it is there, gets an error",
	}}
}

// endBackends asks PostgreSQL to end some of its sessions, or what they do, by the numbers that their processes have where it runs.
func (c *Case) endBackends(function, effect string, frees bool) report.Remedy {
	pids := c.pids()
	pids = pids[:min(len(pids), mostPIDs)]
	var calls []string
	for _, pid := range pids {
		calls = append(calls, function+"("+c.inner(strconv.Itoa(pid))+")")
	}
	if calls == nil {
		calls = []string{function + "(PID)"}
	}
	return report.Remedy{
		Command: c.ask(`psql -c "SELECT ` + strings.Join(calls, ", ") + `"`), Effect: effect, FreesFDs: frees, Risk: "the transaction of this session is rolled back",
	}
}

// helpInherited ends the processes that hold what they did not open. The one that opened it can do nothing about them.
func helpInherited(c *Case) []report.Remedy {
	if c.runtime.Database() {
		return c.restart()
	}
	var heirs []string
	for i := range c.Culprits {
		if k := &c.Culprits[i]; k.What == "inherited" && k.PID != nil && *k.PID > 1 && len(heirs) < mostPIDs {
			heirs = append(heirs, strconv.Itoa(*k.PID))
		}
	}
	if len(heirs) == 0 {
		return c.restart()
	}
	command := "kill"
	for _, pid := range heirs {
		command += " " + pid
	}
	return append([]report.Remedy{{
		Command: command, Effect: "ends what inherited the descriptors; the last one to go closes the connections", FreesFDs: true, Risk: "interrupts what these processes do",
	}}, slices.DeleteFunc(c.restart(), func(r report.Remedy) bool { return r.Command == command })...)
}

func notForLeaks(c *Case) []report.NotRemedy {
	list := []string{}
	if c.never() {
		list = append(list, "tcp_retries2, tcp_fin_timeout, tcp_keepalive_*, tcp_tw_reuse", "none of them concerns an idle CLOSE_WAIT socket: only the program's close() ends it")
	} else {
		list = append(list, "tcp_keepalive_*", "keepalive makes the sockets vanish from ss while their descriptors stay open")
	}
	list = append(list, "destroying the sockets (ss -K)", "the descriptors stay open, and the leak can no longer be seen")
	if c.FDLimit != nil {
		list = append(list, "a higher descriptor limit", "it buys time; the failure at its end is larger")
	}
	return nots(list...)
}

func notForPools(*Case) []report.NotRemedy {
	return nots("restarting the program", "the pool fills again, and its server closes the idle ones again",
		"tcp_keepalive_*, tcp_retries2", "nothing is lost on the way: the server closed in good order")
}

func notForHandlers(c *Case) []report.NotRemedy {
	list := []string{"tcp_keepalive_*", "the work does not look at the connection; keepalive would only remove the evidence",
		"destroying the sockets (ss -K)", "the work goes on: nobody reads or writes there"}
	if c.runtime.Database() {
		list = append(list, "a signal to the process", "a database takes the sudden end of one of its processes for a crash of all")
	}
	return nots(list...)
}

func notForInherited(*Case) []report.NotRemedy {
	return nots("closing them in the program that opened them", "the connection lives as long as any process has a descriptor of it",
		"tcp_retries2, tcp_fin_timeout, tcp_keepalive_*", "none of them closes a descriptor",
		"destroying the sockets (ss -K)", "the descriptors stay open, and nobody sees any more who has them")
}

func notForDead(*Case) []report.NotRemedy {
	return nots("any sysctl, ss -K", "there is no socket left that the kernel could end",
		"looking with ss or netstat", "these sockets are in no table any more")
}

// helpTransit says where descriptors can be that no process has: in messages that nobody has received, and in rings.
func helpTransit(c *Case) []report.Remedy {
	return []report.Remedy{
		read(c.within("ss -xp | awk 'NR == 1 || $3 > 0'"), "shows the unix sockets with messages that nobody has received, and who should: descriptors travel in such messages"),
		read(`find /proc/[0-9]*/fd -lname 'anon_inode:\[io_uring\]'`, "shows the processes that have a ring of io_uring: it may hold sockets without descriptors"),
	}
}

func helpKernel(*Case) []report.Remedy {
	return []report.Remedy{read("findmnt -t nfs,nfs4,cifs,ceph", "shows the mounts whose connections these may be; iscsiadm -m session those of iSCSI")}
}

func notForKernel(*Case) []report.NotRemedy {
	return nots("looking for a process", "none has a descriptor of them: a part of the kernel made them",
		"destroying the sockets (ss -K)", "whoever uses the mount or the disk gets the error, and data may be lost")
}

func notForTransit(*Case) []report.NotRemedy {
	return nots("looking for the owner with lsof or ss -p", "they read the same descriptors, which do not show these sockets",
		"destroying the sockets (ss -K)", "whoever is handed the descriptor gets a dead one")
}
