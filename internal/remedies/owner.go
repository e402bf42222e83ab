package remedies

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// mostPIDs is how many processes a command names.
const mostPIDs = 10

// restart proposes to restart whoever holds the sockets in the way that fits. A restart closes all descriptors, whatever the cause. nil when nobody is known.
func (c *Case) restart() []report.Remedy {
	if len(c.holders) == 0 {
		return nil
	}
	command, effect := restartCommand(c.holders, c.runtime)
	if command == "" {
		return nil
	}
	if command == databaseRestart[c.runtime] {
		command = c.ask(command)
	}
	return []report.Remedy{{Command: command, Effect: effect, FreesFDs: true, Risk: "interrupts the service"}}
}

// restartCommand is how whoever runs the holders would restart them. Names that cannot be typed are no names people gave: then the processes are named.
func restartCommand(holders []*look.Process, r Runtime) (command, effect string) {
	if command, effect = managed(&holders[0].Workload); command != "" && typable(command) {
		return command, effect
	}
	return bareCommand(holders, r)
}

// managed is the command for what something starts again, "" for what nothing is known to.
func managed(w *look.Workload) (command, effect string) {
	const frees = "gives all its descriptors back"
	switch {
	case w.Kind == look.KindPod:
		return podCommand(w), "ends it; its controller starts another, which begins without these descriptors"
	case w.Kind == look.KindContainer && (w.Runtime == "docker" || w.Runtime == "podman"):
		return w.Runtime + " restart " + shellWord(cmp.Or(w.Name, w.ContainerID)), frees
	case w.Kind == look.KindContainer && (w.Runtime == "containerd" || w.Runtime == "cri-o") && w.ContainerID != "":
		return "crictl stop " + shellWord(w.ContainerID[:min(len(w.ContainerID), 13)]), "ends it and frees its descriptors; the kubelet starts it again if it is a pod's"
	case service(w.Unit) && user(w.Cgroup) == "":
		return "systemctl restart " + shellWord(w.Unit), frees
	case service(w.Unit):
		return "systemctl --user restart " + shellWord(w.Unit), frees + "; to be typed as uid " + user(w.Cgroup)
	}
	return "", ""
}

// podCommand deletes a pod that is known by its name, and stops its container where only the pod's uid is known.
func podCommand(w *look.Workload) string {
	if namespace, name, ok := strings.Cut(w.Pod, "/"); ok {
		return fmt.Sprintf("kubectl -n %s delete pod %s", shellWord(namespace), shellWord(name))
	}
	if w.ContainerID != "" {
		return "crictl stop " + shellWord(w.ContainerID[:min(len(w.ContainerID), 13)])
	}
	return ""
}

// bareCommand ends processes that nothing is known to start again. init is not ended, and a database is ended by its own tools only.
func bareCommand(holders []*look.Process, r Runtime) (command, effect string) {
	var pids []string
	for _, p := range holders {
		if p.PID > 1 && len(pids) < mostPIDs {
			pids = append(pids, strconv.Itoa(p.PID))
		}
	}
	switch tool, database := databaseRestart[r]; {
	case len(pids) == 0:
		return "", ""
	case database:
		return tool, "ends it in good order; start it again the way it was started"
	case len(holders) == 1:
		return "kill " + pids[0], "ends it and frees its descriptors; start it again the way it was started"
	}
	return "kill " + strings.Join(pids, " "), "ends them; the descriptors are free once no process has them any more"
}

// databaseRestart is how databases are asked to end by those who run them without a unit or a container.
var databaseRestart = map[Runtime]string{
	PostgreSQL: "pg_ctl restart -m fast", MySQL: "mysqladmin shutdown", Redis: "redis-cli shutdown save", MongoDB: "mongosh admin --eval 'db.shutdownServer()'",
}

// service reports whether systemd can restart a unit: a scope was made by somebody else, who alone can make it again.
func service(unit string) bool {
	return strings.HasSuffix(unit, ".service") && len(unit) > len(".service")
}

// user returns the uid whose own systemd runs a cgroup, "" for the system's.
func user(cgroup string) string {
	_, rest, ok := strings.Cut(cgroup, "/user@")
	uid, _, below := strings.Cut(rest, ".service/")
	if _, err := strconv.ParseUint(uid, 10, 32); !ok || !below || err != nil {
		return ""
	}
	return uid
}

// typable reports whether a command can be shown on one line and pasted as it is.
func typable(command string) bool {
	return strings.IndexFunc(command, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// shellWord quotes a name that other people chose so that a pasted command does with it what it shows. A leading "-" would be taken for an option.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@:/", r)
	}
	switch {
	case strings.HasPrefix(s, "-"):
		s = "./" + s // no name of a unit, container or pod begins so: the command fails instead of doing something else
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
