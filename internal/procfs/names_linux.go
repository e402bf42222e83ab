package procfs

// The places below the root of files where runtimes leave their notes. The administrator may have put a link in the place of each of these directories, so
// they are opened as they are; below them no link is followed.
const (
	podLogs         = "/var/log/pods"
	dockerStore     = "/var/lib/docker/containers"
	podmanStore     = "/var/lib/containers/storage/overlay-containers"
	crioBundles     = "/run/containers/storage/overlay-containers"
	containerdTasks = "/run/containerd/io.containerd.runtime.v2.task"
)

// pod returns namespace/name of a pod by its uid.
func (n *names) pod(uid string) string {
	if n.pods == nil {
		n.pods = n.listPods()
	}
	return n.pods[uid]
}

func (n *names) listPods() map[string]string {
	all := map[string]string{}
	dir, err := openDirectory(n.root + podLogs)
	if err != nil {
		return all
	}
	defer dir.close()
	// An error leaves pods without a name, which is what they have if there is no such directory at all.
	_ = eachEntry(dir.fd, make([]byte, dirBuffer), func(name []byte) (Next, error) {
		if uid, pod, ok := splitPodLog(string(name[:len(name)-1])); ok {
			all[uid] = pod
		}
		return Continue, nil
	})
	return all
}

func (n *names) docker(id string) string {
	return parseDockerName(n.below(dockerStore, id, "config.v2.json"))
}

func (n *names) podman(id string) string {
	if n.pool == nil {
		dir, err := openDirectory(n.root + podmanStore)
		if err != nil {
			n.pool = map[string]string{}
			return ""
		}
		defer dir.close()
		b, _ := dir.readPlain("containers.json", maxList)
		n.pool = parsePodmanNames(b)
	}
	return n.pool[id]
}

// annotations returns those of the bundle of a container of containerd, whatever its namespace there, or of CRI-O.
func (n *names) annotations(id string) annotations {
	for _, namespace := range [...]string{"/k8s.io", "/moby", "/default"} {
		if b := n.below(containerdTasks+namespace, id, "config.json"); b != nil {
			return parseAnnotations(b)
		}
	}
	return parseAnnotations(n.below(crioBundles, id, "userdata", "config.json"))
}

// below reads a file, its path given by its parts, below one of the places above; nil when it cannot be read. The parts are names without slashes.
func (n *names) below(place string, parts ...string) []byte {
	dir, err := openDirectory(n.root + place)
	if err != nil {
		return nil
	}
	defer func() { dir.close() }()
	for _, part := range parts[:len(parts)-1] {
		next, err := dir.within(part)
		if err != nil {
			return nil
		}
		dir.close()
		dir = next
	}
	b, err := dir.readPlain(parts[len(parts)-1], maxConfig)
	if err != nil {
		return nil
	}
	return b
}
