package host

import (
	"context"
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/internal/sysctl"
)

// Settings reads settings by their keys in every network namespace that can be entered: first those that the words of netns.Select choose, or the caller's own without any,
// then all others. unread counts those that exist and could not be entered. An error means that one that was chosen does not exist or may not be entered.
func (h *Host) Settings(ctx context.Context, words, keys []string) (chosen, others []look.Settings, unread int, err error) {
	all, hidden, err := netns.List(ctx, h.roots)
	if err != nil && (len(all) == 0 || len(words) == 0) { // the caller's own is meant, and may not be the first
		return nil, nil, 0, err
	}
	selected, err := netns.Select(all, words, h.roots)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, ns := range selected {
		s, err := h.settings(ns, keys)
		if err != nil {
			return nil, nil, 0, err
		}
		chosen = append(chosen, s)
	}
	unread = len(hidden)
	for _, ns := range all {
		if slices.ContainsFunc(selected, func(s netns.Namespace) bool { return s.Inode == ns.Inode }) {
			continue
		}
		if s, err := h.settings(ns, keys); err == nil && ctx.Err() == nil {
			others = append(others, s)
		} else {
			unread++
		}
	}
	return chosen, others, unread, nil
}

func (h *Host) settings(ns netns.Namespace, keys []string) (look.Settings, error) {
	s := look.Settings{Inode: ns.Inode, Name: ns.Name, PID: ns.PID, Path: ns.Path, Values: map[string]string{}}
	if ns.PID > 1 {
		s.Pod = h.pod(ns.PID)
	}
	err := h.roots.Do(ns, func() error {
		s.Cookie, _ = netns.Cookie()
		for _, key := range keys {
			if value, err := h.sysctl.Get(key); err == nil {
				s.Values[key] = value
			}
			if h.sysctl.Denied(key) {
				s.Denied = append(s.Denied, key)
			}
		}
		return nil
	})
	return s, err
}

func (h *Host) pod(pid int) string {
	if p, err := h.proc.Process(pid); err == nil {
		return p.Workload.Pod
	}
	return ""
}

// Boot says what the files of sysctl.d below a root, normally "/", will make of settings at the next boot of the host that root belongs to. running are the values of the
// host's namespace now, by key. The error says that some files could not be read; what could be is returned with it.
func Boot(root string, of []setting.Setting, running map[string]string) (look.Boot, error) {
	files, err := sysctl.ReadBoot(root)
	boot := look.Boot{Managers: sysctl.Managers(root)}
	loader, known := sysctl.Booter(root)
	if known {
		boot.Loader = loader.String()
	}
	for _, s := range of {
		value := files.Of(loader, s)
		value.Running = running[s.Key()]
		boot.Values = append(boot.Values, value)
	}
	return boot, err
}
