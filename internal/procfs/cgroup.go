package procfs

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// Cgroup is one line of /proc/PID/cgroup (proc_cgroup_show in kernel/cgroup/cgroup.c): where the process stands in one hierarchy.
type Cgroup struct {
	Hierarchy   int    // 0 for version 2
	Controllers string // "cpu,cpuacct", "name=systemd", "" for version 2
	// Path is below the root of the reader's cgroup namespace, with "/.." for each level it lies outside of that.
	Path string
}

// ParseCgroup parses /proc/PID/cgroup of version 1, version 2 or both. Lines of another form are skipped.
func ParseCgroup(r io.Reader) ([]Cgroup, error) {
	var list []Cgroup
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxText)
	for lines.Scan() {
		hierarchy, rest, _ := strings.Cut(lines.Text(), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		n, err := strconv.ParseUint(hierarchy, 10, 31)
		if !ok || err != nil || !strings.HasPrefix(path, "/") {
			continue
		}
		list = append(list, Cgroup{int(n), controllers, strings.TrimSuffix(path, " (deleted)")})
	}
	return list, opError("parse cgroup", "", lines.Err())
}

// WorkloadOfAll returns the workload that the lines of a cgroup file tell of. Version 2 and systemd's own hierarchy are asked first; another
// controller's is believed only when it knows more, as on hosts where containers are in some hierarchies and not in others.
func WorkloadOfAll(list []Cgroup) look.Workload {
	var best look.Workload
	for _, rank := range [...]func(Cgroup) bool{
		func(c Cgroup) bool { return c.Hierarchy == 0 },
		func(c Cgroup) bool { return c.Controllers == "name=systemd" },
		func(Cgroup) bool { return true },
	} {
		for _, c := range list {
			if !rank(c) {
				continue
			}
			w := WorkloadOf(c.Path)
			if best.Cgroup == "" || w.Kind > best.Kind {
				best = w
			}
		}
	}
	return best
}
