package procfs_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/closewait/closewait/internal/procfs"
)

// TestKernel_Has: the configuration decides where it can be read, else the functions that were built; what tells nothing leaves it unknown.
func TestKernel_Has(t *testing.T) {
	const on, off, nothing = "# CONFIG_B is not set\nCONFIG_A=y\n", "# CONFIG_A is not set\nCONFIG_AB=y\n", "CONFIG_C=m\n"
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for name, test := range map[string]struct {
		files      map[string]string
		has, known bool
	}{
		"nothing to read":            {nil, false, false},
		"config.gz":                  {map[string]string{"config.gz": zip(on)}, true, true},
		"config.gz without":          {map[string]string{"config.gz": zip(off), "boot/config-6.1": on}, false, true},
		"config.gz does not name it": {map[string]string{"config.gz": zip(nothing)}, false, true},
		"config.gz cut":              {map[string]string{"config.gz": zip(off)[:20], "boot/config-6.1": on}, true, true},
		"config.gz is something":     {map[string]string{"config.gz": "CONFIG_A=y\n"}, false, false},
		"boot":                       {map[string]string{"boot/config-6.1": on}, true, true},
		"boot of another":            {map[string]string{"boot/config-6.2": on}, false, false},
		"boot, empty":                {map[string]string{"boot/config-6.1": ""}, false, false},
		"module":                     {map[string]string{"btf/x_diag": "\x00a\x00x_destroy\x00"}, true, true},
		"module without":             {map[string]string{"btf/x_diag": "\x00x_dump\x00x_destroyer\x00", "btf/vmlinux": "\x00x_destroy\x00"}, false, true},
		"built in":                   {map[string]string{"btf/vmlinux": "\x00x_dump\x00x_destroy\x00"}, true, true},
		"built in without":           {map[string]string{"btf/vmlinux": "\x00x_dump\x00"}, false, true},
		"in neither":                 {map[string]string{"btf/vmlinux": "\x00other\x00"}, false, false},
	} {
		dir := t.TempDir()
		for path, text := range test.files {
			path = filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		k := procfs.Kernel{Config: filepath.Join(dir, "config.gz"), Boot: filepath.Join(dir, "boot"), BTF: filepath.Join(dir, "btf"), Release: "6.1"}
		has, known := k.Has(procfs.Feature{Option: "CONFIG_A", Function: "x_destroy", Beside: "x_dump", Module: "x_diag"})
		if has != test.has || known != test.known {
			t.Errorf("%s: %v, known %v", name, has, known)
		}
	}
}
