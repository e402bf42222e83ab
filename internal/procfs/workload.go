package procfs

import (
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// WorkloadOf says who runs the processes of a cgroup, from its path alone.
//
// The innermost container or pod counts, and whatever contains it is left out: on a node that is itself a container, the node is not named. The unit is the innermost one
// inside the container, or outside of any. A path that says nothing ("/", "/..") gives KindProcess without a name.
//
// Name is the pod's uid, the first 12 digits of the container's id, or the unit's name with systemd's escapes undone; [FS.Process] puts better names in their
// place where files know them. Unit is as systemctl wants it. The path may come from whoever runs the process; so may every field.
func WorkloadOf(path string) look.Workload {
	var p placing
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" && segment != "." && segment != ".." {
			p.enter(segment)
		}
	}
	w := look.Workload{Unit: p.unit, ContainerID: p.container, Runtime: p.runtime, Pod: p.pod, Cgroup: path}
	switch {
	case p.pod != "":
		w.Kind, w.Name = look.KindPod, p.pod
	case p.container != "":
		w.Kind, w.Name = look.KindContainer, shortID(p.container)
	case p.unit != "":
		w.Kind, w.Name = look.KindUnit, unescape(p.unit)
	}
	return w
}

// placing is what the segments of a path have told so far, from the outside in.
type placing struct {
	unit, container, runtime, pod string
	kube                          bool // below a kubepods group
	parent                        string
}

func (p *placing) enter(segment string) {
	defer func() { p.parent = segment }()
	if strings.Contains(segment, "kubepods") {
		p.kube = true
	}
	if uid := podUID(segment, p.kube); uid != "" {
		*p = placing{pod: uid, kube: true}
	}
	if id, runtime := containerOf(segment, p.parent); id != "" {
		p.contain(id, runtime, segment)
		return
	}
	if isUnit(segment) && (segment != "init.scope" || p.unit == "") {
		p.unit = strings.TrimPrefix(segment, "_") // cg_escape of systemd puts it before names that the kernel uses
	}
}

// contain notes that what follows is inside a container.
func (p *placing) contain(id, runtime, segment string) {
	// podman --cgroups=split puts the container into the service that runs it, and that service is what people know.
	if !strings.HasPrefix(segment, "libpod-payload-") {
		p.unit = ""
	}
	p.container, p.runtime = id, runtime
}

// isUnit reports whether a segment is named as a unit of systemd that can have processes.
func isUnit(segment string) bool {
	for _, suffix := range [...]string{".service", ".scope", ".socket", ".mount", ".swap"} {
		if len(segment) > len(suffix) && strings.HasSuffix(segment, suffix) {
			return true
		}
	}
	return false
}

func shortID(id string) string { return id[:min(len(id), 12)] }
