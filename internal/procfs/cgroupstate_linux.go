package procfs

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Common is what processes have in common, remembered for the length of one look: the moment from which their ages count, the states of their cgroups, the clocks of their processors. It may be used
// for several processes at once.
type Common struct {
	mu     sync.Mutex // for groups and clocks
	groups map[string]groupState
	boot   time.Duration // CLOCK_BOOTTIME at that moment, 0 when it could not be read
	clocks runClocks
}

// NewCommon returns what is known before anything was read. Ages will count from now.
func NewCommon() *Common {
	c := &Common{}
	c.boot, _ = monotonic(unix.CLOCK_BOOTTIME)
	c.clocks.at, _ = monotonic(unix.CLOCK_MONOTONIC)
	return c
}

// rested returns for how long a task had not run, see runClocks.since.
func (c *Common) rested(processor int, sched []byte) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clocks.since(processor, sched)
}

type groupState struct{ frozen, pidsLimited bool }

// group returns the state of the cgroups a process is in.
func (c *Common) group(f FS, dir directory) groupState {
	b, err := dir.read("cgroup", maxText)
	if err != nil {
		return groupState{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	state, ok := c.groups[string(b)]
	if !ok {
		g := f.groups(b)
		state = groupState{g.frozen(), g.pidsLimited()}
		if c.groups == nil {
			c.groups = map[string]groupState{}
		}
		c.groups[string(b)] = state
	}
	return state
}

// groups are the cgroups a process is in, with the place where their files are.
type groups struct {
	fs   FS
	list []Cgroup
}

// groups returns where a process stands by its file, without what lies outside the reader's cgroup namespace.
func (f FS) groups(b []byte) groups {
	list, _ := ParseCgroup(bytes.NewReader(b))
	return groups{f, slices.DeleteFunc(list, func(c Cgroup) bool { return strings.Contains(c.Path, "/..") })}
}

// frozen reports whether the freezer keeps the process from running. Both versions tell of freezers further up as well (freezer_read, cgroup_events_show).
func (g groups) frozen() bool {
	for _, c := range g.list {
		switch {
		case c.Hierarchy == 0:
			if strings.Contains(g.unified(c.Path, "cgroup.events"), "frozen 1") {
				return true
			}
		case slices.Contains(strings.Split(c.Controllers, ","), "freezer"):
			// FREEZING, as long as a process that waits for a disk holds it up.
			if strings.HasPrefix(g.file("/"+c.Controllers+c.Path, "freezer.state"), "FR") {
				return true
			}
		}
	}
	return false
}

// pidsLimited reports whether a cgroup has as many processes and threads as it may have.
func (g groups) pidsLimited() bool {
	for _, c := range g.list {
		var current, limit string
		switch {
		case c.Hierarchy == 0:
			current, limit = g.unified(c.Path, "pids.current"), g.unified(c.Path, "pids.max")
		case c.Controllers == "pids":
			current, limit = g.file("/pids"+c.Path, "pids.current"), g.file("/pids"+c.Path, "pids.max")
		}
		n, ok := number([]byte(strings.TrimSpace(current)))
		most, limited := number([]byte(strings.TrimSpace(limit)))
		if ok && limited && n >= most {
			return true
		}
	}
	return false
}

// unified reads a file of the version 2 hierarchy, which is mounted below the others where both are used.
func (g groups) unified(path, name string) string {
	if text := g.file(path, name); text != "" {
		return text
	}
	return g.file("/unified"+path, name)
}

// file reads a file of a cgroup, "" when there is none.
func (g groups) file(path, name string) string {
	b, err := readFile(strings.TrimSuffix(g.fs.files, "/")+"/sys/fs/cgroup"+strings.TrimSuffix(path, "/")+"/"+name, maxText)
	if err != nil {
		return ""
	}
	return string(b)
}
