package procfs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
)

// Kernel is where the running kernel says what it was built with.
type Kernel struct {
	Config  string // its configuration, compressed: /proc/config.gz (CONFIG_IKCONFIG_PROC)
	Boot    string // the directory of config-RELEASE: /boot
	BTF     string // the directory of its types and functions: /sys/kernel/btf (CONFIG_DEBUG_INFO_BTF)
	Release string // uname -r
}

// Feature is an option of the kernel's configuration, and how it shows in what was built.
type Feature struct {
	Option   string // CONFIG_...
	Function string // a function that is there with the option
	Beside   string // a function of the same source file that is always there
	Module   string // the module that file may be in
}

// Has reports whether the kernel was built with a feature, as far as that can be read: known is false where nothing tells.
func (k Kernel) Has(f Feature) (has, known bool) {
	if has, known = configured(k.Config, f.Option, true); !known {
		has, known = configured(filepath.Join(k.Boot, "config-"+k.Release), f.Option, false)
	}
	for _, name := range []string{f.Module, "vmlinux"} {
		if known {
			break
		}
		has, known = built(filepath.Join(k.BTF, name), f)
	}
	return has, known
}

// configured reads a configuration for an option. One that does not name the option has been made without it.
func configured(path, option string, compressed bool) (has, known bool) {
	file, err := os.Open(path)
	if err != nil {
		return false, false
	}
	defer file.Close()
	var text io.Reader = file
	if compressed {
		if text, err = gzip.NewReader(file); err != nil {
			return false, false
		}
	}
	lines := 0
	scanner := bufio.NewScanner(text)
	for ; scanner.Scan(); lines++ {
		value, named := bytes.CutPrefix(scanner.Bytes(), []byte(option+"="))
		if named {
			return string(value) == "y" || string(value) == "m", true
		}
	}
	return false, scanner.Err() == nil && lines > 0
}

// built looks for the names of functions in BTF, whose strings end in NUL.
func built(path string, f Feature) (has, known bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return false, false
	}
	named := func(function string) bool { return bytes.Contains(text, []byte("\x00"+function+"\x00")) }
	has = named(f.Function)
	return has, has || named(f.Beside)
}
