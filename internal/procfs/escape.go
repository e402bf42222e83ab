package procfs

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unescape undoes systemd's escapes of single bytes ("\x2d" for a dash, see systemd-escape(1)). A name that would then contain anything but
// printable text is returned as it is.
func unescape(name string) string {
	if !strings.Contains(name, `\x`) {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if c, ok := escaped(name[i:]); ok {
			out = append(out, c)
			i += len(`\x2d`) - 1
			continue
		}
		out = append(out, name[i])
	}
	if !utf8.Valid(out) || strings.ContainsFunc(string(out), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return name
	}
	return string(out)
}

func escaped(s string) (byte, bool) {
	if len(s) < 4 || s[:2] != `\x` {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:4], 16, 8)
	return byte(n), err == nil
}
