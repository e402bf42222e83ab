package sysctl

import (
	"bytes"
	"path"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// The two loaders read lines differently, see [Loader].

// spaces of strstrip (WHITESPACE of systemd) and of isspace(3) in the C locale, which procps uses.
const (
	spaceSystemd = " \t\n\r"
	spaceProcps  = " \t\n\r\v\f"
)

// systemdLines reads a file as parse_file of systemd does. Its table knows keys by their simplified path.
func systemdLines(f File) []entry {
	var list []entry
	by := generator(f.Text)
	for number, text := range systemdSplit(f.Text) {
		key, value, excludes, ok := assignment(strings.Trim(text, spaceSystemd))
		if !ok {
			continue
		}
		name := simplify(separate(strings.Trim(key, spaceSystemd)))
		e := entry{BootLine: look.BootLine{File: f.Path, Number: number + 1, Value: strings.Trim(value, spaceSystemd), Pattern: isPattern(name), By: by}, name: name, path: name, excludes: excludes}
		if strings.Contains("/"+name+"/", "/../") {
			e.path = "" // sysctl_write refuses it
		}
		list = append(list, e)
	}
	return list
}

// systemdSplit splits a text into lines as read_line_full does: LF, CR and NUL end a line, also two of them in a row when they differ, but nothing belongs to a line
// after NUL. A line of a mebibyte ends the reading.
func systemdSplit(text []byte) []string {
	const longest = 1 << 20
	var lines []string
	for len(text) > 0 {
		end := bytes.IndexAny(text, "\n\r\x00")
		if end < 0 {
			end = len(text)
		}
		if end >= longest {
			break
		}
		lines = append(lines, string(text[:end]))
		text = text[end:]
		var seen string
		for len(text) > 0 && strings.IndexByte("\n\r\x00", text[0]) >= 0 && strings.IndexByte(seen, text[0]) < 0 && !strings.Contains(seen, "\x00") {
			seen += string(text[:1])
			text = text[1:]
		}
	}
	return lines
}

// procpsLines reads a file as Preload and parse_setting_line of procps-ng do.
func procpsLines(f File) []entry {
	var list []entry
	by := generator(f.Text)
	for number, text := range strings.Split(string(f.Text), "\n") {
		text, _, _ = strings.Cut(text, "\x00") // a string of C ends there
		key, value, excludes, ok := assignment(strings.TrimLeft(text, spaceProcps))
		if !ok {
			continue
		}
		name := separate(strings.TrimRight(key, spaceProcps))
		e := entry{BootLine: look.BootLine{File: f.Path, Number: number + 1, Value: strings.Trim(value, spaceProcps), Pattern: isPattern(name), By: by}, name: name, path: path.Clean("/" + name)[1:], excludes: excludes}
		switch {
		case e.Pattern:
			e.path = name
		case strings.HasSuffix(name, "/") || strings.HasSuffix(name, "/."):
			e.path = "" // no setting is a directory
		}
		list = append(list, e)
	}
	return list
}

// assignment splits a line at its first "=". A key behind a minus excludes settings when no value follows. ok is false for comments and for lines that do neither.
func assignment(text string) (key, value string, excludes, ok bool) {
	if text == "" || text[0] == '#' || text[0] == ';' {
		return "", "", false, false
	}
	key, value, assigns := strings.Cut(text, "=")
	key, minus := strings.CutPrefix(key, "-")
	return key, value, !assigns, assigns || minus
}

// separate makes slashes of the dots of a key, and the other way round, unless its first separator is a slash: as [Path] does.
func separate(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		return strings.Map(swap, key)
	}
	return key
}

// simplify does what path_simplify of systemd does, and takes off the slash in front: no empty parts and none that are ".", but ".." stays.
func simplify(key string) string {
	var parts []string
	for part := range strings.SplitSeq(key, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

func isPattern(key string) bool { return strings.ContainsAny(key, "*?[") }

// match reports whether glob(3) finds the key by the pattern: part by part, no part of a setting begins with a dot. A bracket that is not closed stands for itself.
func match(pattern, key string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(key, "/")
	if len(want) != len(have) {
		return false
	}
	for i, p := range want {
		ok, err := path.Match(strings.ReplaceAll(p, "[!", "[^"), have[i])
		if err != nil {
			ok = p == have[i]
		}
		if !ok {
			return false
		}
	}
	return true
}
