package netns

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Lookup finds namespaces that are named by a process or a path. Roots is one.
type Lookup interface {
	// PID returns the inode of the namespace of a process and a path to open it by.
	PID(pid int) (inode uint64, path string, err error)
	// Path returns the inode of the namespace that a path leads to.
	Path(path string) (inode uint64, err error)
}

// Select returns the namespaces that words ask for, in the order of the words and each once. Every word is a list with commas between its elements:
//
//	all              every namespace listed
//	host             the one called so
//	NAME             the one ip-netns(8) knows by this name
//	PID              the one of this process, unless it is a name
//	PATH             the one this path, which contains a slash, leads to, listed or not
//	net:[INODE]      the one with this inode, as /proc/PID/ns/net shows it
//
// No words ask for the caller's own namespace, the first of all. What cannot be found is an OpError that names what there is
// (errors.Is(err, fs.ErrNotExist)), or has the cause why a process or path could not be read.
func Select(all []Namespace, words []string, lookup Lookup) ([]Namespace, error) {
	s := selection{all: all, lookup: lookup}
	for _, word := range words {
		for element := range strings.SplitSeq(word, ",") {
			if element = strings.TrimSpace(element); element == "" {
				continue
			}
			if err := s.element(element); err != nil {
				return nil, opError("select", element, err)
			}
		}
	}
	if len(s.chosen) == 0 {
		return slices.Clone(all[:min(len(all), 1)]), nil
	}
	return s.chosen, nil
}

// OnlyProcesses reports whether there are words and each of them names a process, so that Select finds what they ask for among the namespaces of [ListNamed].
func OnlyProcesses(words []string) bool {
	for _, word := range words {
		for element := range strings.SplitSeq(word, ",") {
			if _, ok := parsePID(strings.TrimSpace(element)); !ok {
				return false
			}
		}
	}
	return len(words) > 0
}

type selection struct {
	all    []Namespace
	lookup Lookup
	chosen []Namespace
}

func (s *selection) element(word string) error {
	if word == "all" {
		for _, ns := range s.all {
			s.add(ns)
		}
		return nil
	}
	if strings.Contains(word, "/") {
		inode, err := s.lookup.Path(word)
		return s.found(Namespace{Inode: inode, Path: word}, err)
	}
	if i := slices.IndexFunc(s.all, func(ns Namespace) bool { return ns.Name == word }); i >= 0 {
		s.add(s.all[i])
		return nil
	}
	if inode, ok := parseLink([]byte(word)); ok {
		return s.inode(inode)
	}
	if pid, ok := parsePID(word); ok {
		inode, path, err := s.lookup.PID(pid)
		return s.found(Namespace{Inode: inode, PID: pid, Path: path}, err)
	}
	return s.unknown()
}

// inode chooses a listed namespace; an inode alone gives nothing to open.
func (s *selection) inode(inode uint64) error {
	i := slices.IndexFunc(s.all, func(ns Namespace) bool { return ns.Inode == inode })
	if i < 0 {
		return s.unknown()
	}
	s.add(s.all[i])
	return nil
}

// found chooses what was looked up: as it is listed when it is, so that it has its name.
func (s *selection) found(ns Namespace, err error) error {
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(s.all, func(other Namespace) bool { return other.Inode == ns.Inode }); i >= 0 {
		pid := cmp.Or(s.all[i].PID, ns.PID) // the list may be of those with a name alone
		ns = s.all[i]
		ns.PID = pid
	}
	s.add(ns)
	return nil
}

func (s *selection) add(ns Namespace) {
	if !slices.ContainsFunc(s.chosen, func(c Namespace) bool { return c.Inode == ns.Inode }) {
		s.chosen = append(s.chosen, ns)
	}
}

// unknown says what could have been asked for; a long list is cut.
func (s *selection) unknown() error {
	const most = 8
	var names []string
	for _, ns := range s.all {
		if ns.Name != "" {
			names = append(names, strconv.Quote(ns.Name))
		}
	}
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	if len(names) == 0 {
		return fmt.Errorf("%w: no namespace here has a name, %d can be chosen by net:[INODE]", fs.ErrNotExist, len(s.all))
	}
	return fmt.Errorf("%w: there is %s%s", fs.ErrNotExist, strings.Join(names, ", "), more)
}
