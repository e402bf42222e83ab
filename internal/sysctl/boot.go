package sysctl

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/setting"
)

// Loader is a program that gives settings their values at boot, from files. The two read the same directories and differ in nearly everything else.
type Loader uint8

// The loaders.
const (
	// Systemd is systemd-sysctl(8). It knows /etc/sysctl.conf only where a link in sysctl.d leads there, keeps one value per key and writes that.
	Systemd Loader = iota
	// Procps is "sysctl --system" of procps-ng. It reads /etc/sysctl.conf last and writes every value in turn, so that the last one the kernel takes stays.
	Procps
)

// String returns the name of the program.
func (l Loader) String() string { return [...]string{"systemd-sysctl", "sysctl --system"}[l] }

// Dirs are the directories of sysctl.d, the most important first: a file hides those of the same name in later ones.
func Dirs() []string {
	return []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}
}

// Conf is the file from before sysctl.d.
const Conf = "/etc/sysctl.conf"

// File is a file that loaders may read.
type File struct {
	Path string // as the loader names it
	Text []byte // nil where there is nothing to read: a link to /dev/null or to nowhere
	// Err is why the file could not be read although there is something, nil otherwise. What it holds is not known then.
	Err error
}

// Boot is what is on disk for the next boot.
type Boot struct {
	// Files are those of [Dirs] whose names end in ".conf", in the order of the directories.
	Files []File
	// Conf is /etc/sysctl.conf, nil when there is none.
	Conf *File
}

// Of says which line gives a setting its value at the next boot.
func (b *Boot) Of(l Loader, s setting.Setting) look.BootValue {
	o := outcome{look.BootValue{Key: s.Key()}, s}
	if s.Default >= 0 {
		o.Default = strconv.FormatInt(s.Default, 10)
	}
	key := separate(s.Key())
	if l == Procps {
		b.procps(&o, key)
	} else {
		b.systemd(&o, key)
	}
	return o.BootValue
}

// Order returns the files that a loader reads, in its order: by name, each name from the first directory that has it.
func (b *Boot) Order(l Loader) []File {
	seen := map[string]bool{}
	var files []File
	for _, f := range b.Files {
		// systemd skips hidden files (hidden_or_backup_file), of those whose names end in .conf.
		if name := base(f.Path); !seen[name] && (l == Procps || name[0] != '.') {
			seen[name] = true
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(base(a.Path), base(b.Path)) })
	if l == Procps && b.Conf != nil {
		files = append(files, *b.Conf)
	}
	return files
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// outcome is the answer for one setting in the making.
type outcome struct {
	look.BootValue
	setting setting.Setting
}

// entry is a line as a loader keeps it.
type entry struct {
	look.BootLine
	name     string // what the loader compares: its form of the key
	path     string // what it leads to below /proc/sys, "" when it leads nowhere
	excludes bool   // a line without a value: it only keeps patterns away
}

func (e *entry) is(key string) bool { return e.path == key && !e.Pattern }

// covers reports whether the entry is a pattern that glob(3) would expand to the key.
func (e *entry) covers(key string) bool { return e.Pattern && match(e.path, key) }

// systemd follows parse_file and apply_all of src/sysctl/sysctl.c: a table by key, in which a new value takes the last place and an equal one does not move;
// then the patterns write what no line names.
func (b *Boot) systemd(o *outcome, key string) {
	var table []entry
	for _, f := range b.Order(Systemd) {
		if f.Err != nil {
			o.Unread = append(o.Unread, f.Path)
		}
		for _, e := range systemdLines(f) {
			if !e.is(key) && !e.covers(key) {
				continue
			}
			i := slices.IndexFunc(table, func(t entry) bool { return t.name == e.name })
			if i >= 0 && table[i].Value == e.Value && table[i].excludes == e.excludes {
				o.Others = append(o.Others, table[i].BootLine)
				table[i].BootLine = e.BootLine // the later line says the same
				continue
			}
			if i >= 0 {
				o.lose(table[i])
				table = slices.Delete(table, i, i+1)
			}
			table = append(table, e)
		}
	}
	named := slices.ContainsFunc(table, func(e entry) bool { return e.is(key) })
	for _, e := range table {
		if named && !e.is(key) {
			o.lose(e)
			continue
		}
		o.write(e)
	}
}

// procps follows write_setting_list of src/sysctl.c: every line in turn, patterns only where no line names the setting.
func (b *Boot) procps(o *outcome, key string) {
	var list []entry
	for _, f := range b.Order(Procps) {
		if f.Err != nil {
			o.Unread = append(o.Unread, f.Path)
		}
		list = append(list, procpsLines(f)...)
	}
	named := slices.ContainsFunc(list, func(e entry) bool { return e.name == key })
	for _, e := range list {
		switch {
		case e.is(key):
			o.write(e)
		case e.covers(key) && named:
			o.lose(e)
		case e.covers(key):
			o.write(e)
		}
	}
}

// write lets the value of a line stay, if the kernel takes it.
func (o *outcome) write(e entry) {
	if e.excludes {
		return
	}
	shown, err := o.setting.Parse(e.Value)
	if err != nil {
		o.lose(e)
		return
	}
	if o.Winner != nil {
		o.Others = append(o.Others, *o.Winner)
	}
	o.Winner, o.Value = &e.BootLine, shown
}

func (o *outcome) lose(e entry) {
	if !e.excludes {
		o.Others = append(o.Others, e.BootLine)
	}
}

// With returns the files there would be with another drop-in, in place of the one of that name.
func (b *Boot) With(name, text string) *Boot {
	file := File{Path: Dirs()[0] + "/" + name, Text: []byte(text)}
	with := &Boot{Files: []File{file}, Conf: b.Conf}
	for _, f := range b.Files {
		if f.Path != file.Path {
			with.Files = append(with.Files, f)
		}
	}
	return with
}
