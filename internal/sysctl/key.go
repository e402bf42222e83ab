package sysctl

import (
	"fmt"
	"io/fs"
	"strings"
)

// Path returns the path of a key below the root: "net.ipv4.tcp_retries2" is "net/ipv4/tcp_retries2".
//
// The first dot or slash of the key says which of the two separates its parts, as in sysctl(8); in a key with dots a slash then stands for a dot inside a
// part: "net.ipv4.conf.eth0/100.rp_filter" is the setting of the interface eth0.100, and so is "net/ipv4/conf/eth0.100/rp_filter". Keys that would
// lead out of the tree are errors (fs.ErrInvalid).
func Path(key string) (string, error) {
	path := key
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		path = strings.Map(swap, key)
	}
	if !fs.ValidPath(path) || path == "." || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("%w: not the name of a setting", fs.ErrInvalid)
	}
	return path, nil
}

// Key returns the key with dots of a path below the root: the inverse of Path. A path whose first part contains a dot has no such key and is returned as it
// is, which Path understands as well.
func Key(path string) string {
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return path
	}
	return strings.Map(swap, path)
}

func swap(r rune) rune {
	switch r {
	case '.':
		return '/'
	case '/':
		return '.'
	}
	return r
}
