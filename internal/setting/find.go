package setting

import "strings"

// Find returns the setting with a name: "tcp_retries2", "net.ipv4.tcp_retries2", "net/ipv4/tcp_retries2" or the path below /proc/sys. ok is false when there is none such.
func Find(name string) (s Setting, ok bool) {
	name = strings.ReplaceAll(strings.TrimPrefix(name, "/proc/sys/"), "/", ".")
	for _, s := range All() {
		if name == s.Name || name == s.Key() {
			return s, true
		}
	}
	return Setting{}, false
}

// PodSafe reports whether the kubelet lets pods set the setting without --allowed-unsafe-sysctls, and since which version (safe_sysctls.go).
func (s Setting) PodSafe() (since string, ok bool) {
	switch s.Name {
	case "ip_local_port_range":
		return "", true
	case "tcp_keepalive_time", "tcp_fin_timeout", "tcp_keepalive_intvl", "tcp_keepalive_probes":
		return "1.29", true
	}
	return "", false
}
