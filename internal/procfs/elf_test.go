package procfs

import (
	"bytes"
	"os"
	"testing"
)

// TestBuiltByGo: this test binary was built by Go, a shell was not, and a part of a file is none.
func TestBuiltByGo(t *testing.T) {
	for path, want := range map[string]bool{"/proc/self/exe": true, "/bin/sh": false, "/etc/passwd": false} {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if got, err := builtByGo(file); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", path, got, err, want)
		}
	}
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := builtByGo(bytes.NewReader(own[:len(own)/2])); got || err != nil {
		t.Errorf("half a file has no headers of sections: %v, %v", got, err)
	}
	if _, err := builtByGo(bytes.NewReader(nil)); err == nil {
		t.Error("nothing can have been read of what is executed")
	}
}

// headers returns an ELF header of a class whose sections stand right after it.
func headers(class, order byte, count, index uint16) []byte {
	b := make([]byte, 4096)
	copy(b, "\x7fELF")
	b[4], b[5] = class, order
	layout := elf64
	if class == 1 {
		layout = elf32
	}
	b[layout.sections], b[layout.count], b[layout.names] = elfHeader, byte(count), byte(index)
	section := b[elfHeader+int(index)*layout.size:]
	section[layout.offset+1], section[layout.length] = 4, 200 // at 1024
	copy(b[1024:], "\x00.text\x00.go.buildinfo\x00")
	return b
}

func TestBuiltByGo_classes(t *testing.T) {
	for class := byte(1); class <= 2; class++ {
		if built, err := builtByGo(bytes.NewReader(headers(class, 1, 5, 4))); !built || err != nil {
			t.Errorf("class %d: not found", class)
		}
		if built, err := builtByGo(bytes.NewReader(headers(class, 1, 5, 5))); built || err != nil {
			t.Errorf("class %d: names in a section that is not there", class)
		}
	}
}

func FuzzBuiltByGo(f *testing.F) {
	for class := byte(1); class <= 2; class++ {
		for order := byte(1); order <= 2; order++ {
			f.Add(headers(class, order, 5, 4))
		}
	}
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = builtByGo(bytes.NewReader(b)) })
}
