package netns

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// Mount is a network namespace kept alive by a bind mount of its file.
type Mount struct {
	Inode uint64
	Path  string // the mount point
}

// maxMountLine is the longest line of mountinfo that is read; the options of an overlay of many layers are the longest.
const maxMountLine = 1 << 20

// ParseMounts returns the network namespaces among the mounts in /proc/PID/mountinfo (show_mountinfo in fs/proc_namespace.c). Lines of another
// form are skipped.
func ParseMounts(r io.Reader) ([]Mount, error) {
	var list []Mount
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxMountLine)
	for lines.Scan() {
		if m, ok := parseMount(lines.Bytes()); ok {
			list = append(list, m)
		}
	}
	return list, opError("parse", "mountinfo", lines.Err())
}

// parseMount parses one line: id, parent, device, root, mount point, options, any number of optional fields, a dash, type, source, options.
func parseMount(line []byte) (Mount, bool) {
	// Nearly all mounts on a host of containers are something else.
	if !bytes.Contains(line, []byte(" nsfs ")) {
		return Mount{}, false
	}
	words := strings.Split(string(line), " ")
	const root, point, optional = 3, 4, 6
	for i := optional; i+1 < len(words); i++ {
		if words[i] != "-" {
			continue
		}
		inode, ok := parseLink([]byte(words[root]))
		return Mount{inode, unescape(words[point])}, ok && words[i+1] == "nsfs"
	}
	return Mount{}, false
}

// unescape undoes the octal escapes of mangle_path (fs/seq_file.c): space, tab, newline, backslash and "#".
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := octal(s[i:]); ok {
			out = append(out, c)
			i += 3
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func octal(s string) (byte, bool) {
	if len(s) < 4 || s[0] != '\\' || s[1] > '3' {
		return 0, false
	}
	var n byte
	for _, c := range []byte(s[1:4]) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | (c - '0')
	}
	return n, true
}
