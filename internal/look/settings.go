package look

import (
	"fmt"
	"strconv"
)

// Settings are the values of settings in one network namespace.
type Settings struct {
	Inode uint64
	Name  string // as in Namespace
	PID   int    // a process living in it, 0 when none is known
	Path  string // to find the namespace by
	// Cookie is the one of SO_NETNS_COOKIE, 0 where the kernel has none.
	Cookie uint64
	// Values are those of the settings that were asked about, by key, as the kernel shows them; what could not be read is absent.
	Values map[string]string
	// Denied are the keys of those that this process may not write.
	Denied []string
	Pod    string // the pod that lives in it, "" when none is known to
}

// Label names the namespace for people.
func (s *Settings) Label() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Pod != "":
		return "pod " + s.Pod
	case s.PID != 0:
		return "net:[" + strconv.FormatUint(s.Inode, 10) + "] of pid " + strconv.Itoa(s.PID)
	}
	return fmt.Sprintf("net:[%d]", s.Inode)
}
