package procfs

import "strings"

// Names of container runtimes, as look.Workload has them.
const (
	docker     = "docker"
	containerd = "containerd"
	crio       = "cri-o"
	podman     = "podman"
)

// scopePrefixes are what runtimes put before the id of a container when systemd manages its cgroup ("docker-<id>.scope"), and some without systemd.
var scopePrefixes = [...]struct{ prefix, runtime string }{
	{"docker-", docker},
	{"cri-containerd-", containerd},
	{"nerdctl-", containerd},
	{"crio-", crio},
	{"libpod-payload-", podman},
	{"libpod-", podman},
}

// parentRuntimes are the groups that hold containers named by their bare id.
var parentRuntimes = map[string]string{
	"docker":        docker,
	"libpod_parent": podman,
	"k8s.io":        containerd,
}

// containerOf returns the id of the container that a segment of a cgroup path stands for, "" for none, and the runtime, "" when the
// path does not tell. The monitors of CRI-O and podman ("crio-conmon-<id>.scope") are not the container: what follows their prefix is no id.
func containerOf(segment, parent string) (id, runtime string) {
	name := strings.TrimSuffix(segment, ".scope")
	if isContainerID(name) {
		return name, parentRuntimes[parent]
	}
	// "kubepods-burstable-pod<uid>.slice:cri-containerd:<id>": a path meant for systemd that containerd took for one of the file system.
	if parts := strings.Split(name, ":"); len(parts) == 3 && isContainerID(parts[2]) {
		return parts[2], runtimeOf(parts[1] + "-")
	}
	for _, s := range scopePrefixes {
		if id, ok := strings.CutPrefix(name, s.prefix); ok && isContainerID(id) {
			return id, s.runtime
		}
	}
	return "", ""
}

func runtimeOf(prefix string) string {
	for _, s := range scopePrefixes {
		if s.prefix == prefix {
			return s.runtime
		}
	}
	return ""
}

// isContainerID reports whether s is an id as all runtimes make them: 64 lower-case hexadecimal digits.
func isContainerID(s string) bool { return len(s) == 64 && isHex(s) }

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

// podUID returns the uid of the pod that a segment stands for, "" for none: "pod<uid>" below kubepods, or "kubepods-burstable-pod<uid>.slice" with
// the dashes of the uid as underscores, for systemd reads a dash as a level. The uid of a static pod is a hash without dashes.
func podUID(segment string, kube bool) string {
	name, _, _ := strings.Cut(segment, ":")
	name, slice := strings.CutSuffix(name, ".slice")
	uid, ok := strings.CutPrefix(name, "pod")
	if slice {
		var group string
		if i := strings.LastIndex(name, "-pod"); i >= 0 {
			group, uid = name[:i], strings.ReplaceAll(name[i+len("-pod"):], "_", "-")
		}
		ok = strings.Contains(group, "kubepods")
	}
	if !ok || !kube || len(uid) < 32 || len(uid) > 36 || !isHex(strings.ReplaceAll(uid, "-", "")) {
		return ""
	}
	return uid
}
