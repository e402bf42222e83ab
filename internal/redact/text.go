package redact

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// Left is what a sentence is replaced with.
const Left = "left out by --redact"

// text returns the substitute of a text.
func (r *Redactor) text(s, how string) string {
	if s == "" {
		return ""
	}
	switch how {
	case "keep":
		return s
	case "name":
		return r.Name(s)
	case "path":
		return r.path(s)
	case "file":
		return r.file(s)
	case "command":
		return number(r.commands, s, "command-")
	case "id":
		return r.ID(s)
	case "release":
		return s[:len(s)-len(strings.TrimLeft(s, "0123456789."))]
	case "text":
		return Left
	}
	return ""
}

// known are names that systemd, the kubelet or container engines give everybody's cgroups, and ours for the host's namespace.
var known = [...]string{
	"host", "init.scope", "system.slice", "user.slice", "machine.slice", "app.slice", "session.slice", "background.slice",
	"kubepods", "kubepods.slice", "besteffort", "burstable", "docker", "libpod_parent",
}

// unitTypes are the suffixes of units that can hold processes.
var unitTypes = [...]string{".service", ".scope", ".slice", ".socket", ".mount", ".swap"}

// Name returns the substitute of a name. A unit keeps its type, a template its two parts, a pod its namespace apart; user managers and sessions
// stay as they are, for they are named after numbers.
func (r *Redactor) Name(s string) string {
	switch {
	case s == "", slices.Contains(known[:], s), ofUser(s):
		return s
	}
	if before, after, ok := strings.Cut(s, "/"); ok {
		return r.Name(before) + "/" + r.Name(after)
	}
	for _, suffix := range unitTypes {
		if stem, ok := strings.CutSuffix(s, suffix); ok && stem != "" {
			return r.Name(stem) + suffix
		}
	}
	if before, after, ok := strings.Cut(s, "@"); ok {
		return r.Name(before) + "@" + r.Name(after)
	}
	return number(r.names, s, "name-")
}

// ofUser reports whether a name is one of systemd's for the user or session of a number: user@1000.service, user-1000.slice, session-3.scope.
func ofUser(s string) bool {
	for _, frame := range [...][2]string{{"user@", ".service"}, {"user-", ".slice"}, {"session-", ".scope"}} {
		rest, begins := strings.CutPrefix(s, frame[0])
		digits, ends := strings.CutSuffix(rest, frame[1])
		if begins && ends && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return true
		}
	}
	return false
}

func (r *Redactor) path(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = r.Name(parts[i])
	}
	return strings.Join(parts, "/")
}

// file returns the substitute of what a descriptor refers to, as /proc shows it. What has no name in the file system is named by the kernel, but for the
// names that programs give their memory.
func (r *Redactor) file(s string) string {
	kind, _, _ := strings.Cut(s, ":")
	if slices.Contains(unnamed[:], kind) || slices.Contains(devices[:], s) {
		return s
	}
	return r.path(s)
}

// unnamed are the kinds of files without a name, devices those everybody has.
var (
	unnamed = [...]string{"socket", "pipe", "anon_inode"}
	devices = [...]string{"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"}
)

// ID returns the substitute of an identifier of hexadecimal digits: as long, dashes where they were, and different within its first eight digits.
func (r *Redactor) ID(s string) string {
	if s == "" {
		return ""
	}
	if id, ok := r.ids[s]; ok {
		return id
	}
	digits := fmt.Sprintf("%08x", len(r.ids)+1)
	if len(s)-strings.Count(s, "-") < len(digits) {
		return number(r.ids, s, "id-")
	}
	id := []byte(s)
	for i, c := range id {
		switch {
		case c == '-':
		case digits == "":
			id[i] = '0'
		default:
			id[i], digits = digits[0], digits[1:]
		}
	}
	r.ids[s] = string(id)
	return string(id)
}

// host returns the substitute of a host. Its boot id becomes a digest of name and boot id, which without the boot id nobody can guess: looks at one host are
// known to be that, also when they were redacted one by one.
func (r *Redactor) host(h look.Host) look.Host {
	out := look.Host{Name: r.Name(h.Name), Kernel: r.text(h.Kernel, "release")}
	if h.BootID != "" {
		sum := sha256.Sum256([]byte(h.BootID + "\x00" + h.Name))
		out.BootID = hex.EncodeToString(sum[:16])
	}
	return out
}

// number returns the substitute for s, which counts the different ones.
func number(in map[string]string, s, prefix string) string {
	if known, ok := in[s]; ok {
		return known
	}
	in[s] = prefix + strconv.Itoa(len(in)+1)
	return in[s]
}

// sortedKeys returns a map's keys in an order of their own, so that the same look always gets the same substitutes.
func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return keys
}
