package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/internal/sysctl"
)

const (
	// dropIn is the file of sysctl.d that --persist writes.
	dropIn = "90-closewait.conf"
	// dropInMark begins the files that closewait has written: no others are replaced.
	dropInMark = "# Written by closewait"
)

// persist plans the file for the next boot.
func (a *app) persist(t *plan.Tuning, name string, c *report.Change) error {
	if name == "" {
		name = dropIn
	}
	if !sysctl.ValidDropIn(name) {
		return usageError("--persist-as 99-zz-closewait.conf", "flag --persist-as: %q is not valid, it takes the name of a file that ends in .conf, without its directory", name)
	}
	root := a.cfg.root()
	old, err := sysctl.NewDropIns(root).Read(name)
	p := &plan.Persist{Path: sysctl.Dirs()[0] + "/" + name}
	switch {
	case err == nil && !strings.HasPrefix(old, dropInMark):
		return &Error{Exit: Refused, Message: p.Path + " is not replaced", Why: "it was not written by closewait", Help: "--persist-as another name, or edit it"}
	case err == nil:
		p.Before = &old
	case !errors.Is(err, fs.ErrNotExist):
		return &Error{Exit: Refused, Message: p.Path + " cannot be written", Why: err.Error(), Help: "--persist-as another name", Err: err}
	}
	if p.After = dropInText(old, t.Wanted, c); slices.Equal(assignments(old), assignments(p.After)) {
		p.After = old // only the change that it names would be another
	}
	files, err := sysctl.ReadBoot(root)
	if err != nil {
		p.Unread = append(p.Unread, err.Error())
	}
	loader, known := sysctl.Booter(root)
	if known {
		p.Loader = loader.String()
	}
	p.Lost, p.Unread = lost(files.With(name, p.After), p.Path, t.Wanted, loader, p.Unread)
	p.Better = better(files, p, t.Wanted, loader)
	t.Persist, t.Managers = p, sysctl.Managers(root)
	return nil
}

// dropInText is the text of the file: what closewait wrote there before stays, but for the settings that get another value.
func dropInText(old string, wanted []plan.Wanted, c *report.Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, change %s of %s.\n# To take it back: closewait undo %s\n", dropInMark, c.ID, c.CreatedAt.UTC().Format(time.RFC3339), c.ID)
	for line := range strings.Lines(old) {
		key, _, assigns := strings.Cut(line, "=")
		s, known := setting.Find(strings.TrimSpace(key))
		again := known && slices.ContainsFunc(wanted, func(w plan.Wanted) bool { return w.Key() == s.Key() })
		if assigns && !again && line[0] != '#' {
			b.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	for i := range wanted {
		fmt.Fprintf(&b, "%s = %s\n", wanted[i].Key(), strings.Join(strings.Fields(wanted[i].Value), " "))
	}
	return b.String()
}

// assignments lists the lines that set something.
func assignments(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

// lost lists the lines that decide instead of a file: first with the loader that boots this host, then with the other one where that is another line.
func lost(files *sysctl.Boot, path string, wanted []plan.Wanted, boots sysctl.Loader, unread []string) ([]plan.Lost, []string) {
	var list []plan.Lost
	for i := range wanted {
		w := &wanted[i]
		for _, loader := range []sysctl.Loader{boots, 1 - boots} {
			value := files.Of(loader, w.Setting)
			for _, file := range value.Unread {
				if !slices.Contains(unread, file) {
					unread = append(unread, file)
				}
			}
			if value.Winner == nil || value.Winner.File == path || sysctl.Same(value.Value, w.Value) {
				continue
			}
			same := func(l plan.Lost) bool { return l.Line == *value.Winner && l.Key == w.Key() }
			k := slices.IndexFunc(list, same)
			if k < 0 {
				k = len(list)
				list = append(list, plan.Lost{Key: w.Key(), Line: *value.Winner})
			}
			list[k].Loaders = append(list[k].Loaders, loader.String())
		}
	}
	return list, unread
}

// better finds the name of a file that would decide for the loader that boots this host, or at least where fewer lines are lost.
func better(files *sysctl.Boot, p *plan.Persist, wanted []plan.Wanted, boots sysctl.Loader) string {
	for _, name := range []string{"99-zz-closewait.conf", "zz-closewait.conf", "zzzz-closewait.conf"} {
		path := sysctl.Dirs()[0] + "/" + name
		taken := slices.ContainsFunc(files.Files, func(f sysctl.File) bool {
			return f.Path == path && !strings.HasPrefix(string(f.Text), dropInMark)
		})
		if still, _ := lost(files.With(name, p.After), path, wanted, boots, nil); !taken && len(still) < len(p.Lost) {
			return name
		}
	}
	return ""
}
