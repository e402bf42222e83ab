package cli

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netns"
)

// within restricts a recorded look to the namespaces that words name, in the same words as those of the live host.
func within(s *look.Snapshot, words []string) (*look.Snapshot, error) {
	if len(words) == 0 {
		return s, nil
	}
	var all []netns.Namespace
	for i := range s.Namespaces {
		all = append(all, netns.Namespace{Inode: s.Namespaces[i].Inode, Name: s.Namespaces[i].Name, PID: s.Namespaces[i].PID})
	}
	selected, err := netns.Select(all, words, recorded(all))
	if err != nil {
		return nil, lookError(err)
	}
	part := *s
	part.Namespaces = nil
	for i := range s.Namespaces {
		if slices.ContainsFunc(selected, func(ns netns.Namespace) bool { return ns.Inode == s.Namespaces[i].Inode }) {
			part.Namespaces = append(part.Namespaces, s.Namespaces[i])
		}
	}
	if len(part.Namespaces) < len(s.Namespaces) {
		part.Dead, part.DeadSought = nil, false // nothing says which namespace they were in
	}
	return &part, nil
}

// recorded finds namespaces in a recording, where there are no files to look at.
type recorded []netns.Namespace

// PID implements netns.Lookup: a recording knows one process of each namespace.
func (r recorded) PID(pid int) (inode uint64, path string, err error) {
	for _, ns := range r {
		if ns.PID == pid {
			return ns.Inode, "", nil
		}
	}
	return 0, "", fmt.Errorf("%w in the recording", fs.ErrNotExist)
}

// Path implements netns.Lookup.
func (recorded) Path(string) (uint64, error) {
	return 0, fmt.Errorf("%w: a recording has no paths; use a name or net:[INODE]", fs.ErrNotExist)
}
