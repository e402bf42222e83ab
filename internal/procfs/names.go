package procfs

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// names finds the names of pods and containers in the files their runtimes leave, without asking the runtimes. It reads each list once.
type names struct {
	root string
	pods map[string]string // by uid; nil before the first look
	pool map[string]string // podman's containers by id; nil before the first look
}

func newNames(root string) *names { return &names{root: strings.TrimSuffix(root, "/")} }

// improve puts the names that people use in the place of ids, where they can be found.
func (n *names) improve(w *look.Workload) {
	switch w.Kind {
	case look.KindPod:
		name := n.pod(w.Pod)
		if name == "" && w.ContainerID != "" {
			name = n.annotations(w.ContainerID).pod()
		}
		if name != "" {
			w.Name, w.Pod = name, name
		}
	case look.KindContainer:
		if name := n.container(w.ContainerID, w.Runtime); name != "" {
			w.Name = name
		}
	}
}

func (n *names) container(id, runtime string) string {
	switch runtime {
	case podman:
		return n.podman(id)
	case containerd, crio:
		return n.annotations(id).container()
	case docker:
		return n.docker(id)
	}
	return cmp.Or(n.docker(id), n.annotations(id).container())
}

// splitPodLog takes the name of a directory of /var/log/pods apart: "<namespace>_<name>_<uid>" (BuildPodLogsDirectory in the kubelet). No part of it can
// contain an underscore.
func splitPodLog(dir string) (uid, name string, ok bool) {
	parts := strings.Split(dir, "_")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return "", "", false
	}
	return parts[2], parts[0] + "/" + parts[1], true
}

// parseDockerName returns the name in docker's config.v2.json, without the slash it begins with; "" when there is none.
func parseDockerName(b []byte) string {
	var config struct{ Name string }
	if json.Unmarshal(b, &config) != nil {
		return ""
	}
	return strings.TrimPrefix(config.Name, "/")
}

// parsePodmanNames returns the first names in podman's containers.json, by id.
func parsePodmanNames(b []byte) map[string]string {
	var list []struct {
		ID    string   `json:"id"`
		Names []string `json:"names"`
	}
	all := map[string]string{}
	if json.Unmarshal(b, &list) != nil {
		return all
	}
	for _, c := range list {
		if len(c.Names) > 0 {
			all[c.ID] = c.Names[0]
		}
	}
	return all
}

// annotations are those of an OCI bundle (config.json).
type annotations map[string]string

func parseAnnotations(b []byte) annotations {
	var bundle struct{ Annotations annotations }
	if json.Unmarshal(b, &bundle) != nil {
		return nil
	}
	return bundle.Annotations
}

// pod returns namespace/name as the CRI plugins of containerd and CRI-O note them.
func (a annotations) pod() string {
	namespace := a.first("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace")
	name := a.first("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name")
	if namespace == "" || name == "" {
		return ""
	}
	return namespace + "/" + name
}

func (a annotations) container() string {
	return a.first("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name")
}

func (a annotations) first(keys ...string) string {
	for _, key := range keys {
		if a[key] != "" {
			return a[key]
		}
	}
	return ""
}
