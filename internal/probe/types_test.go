package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/closewait/closewait/internal/nstest"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// kernelDescription reads what every kernel of a distribution has.
func kernelDescription(t testing.TB) []byte {
	t.Helper()
	b, release, err := describe()
	if errors.Is(err, os.ErrNotExist) {
		nstest.Missing(t, vmlinux+" (CONFIG_DEBUG_INFO_BTF)")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return b
}

// TestExcerpt holds what the excerpt makes of the program against what the whole description makes of it.
func TestExcerpt(t *testing.T) {
	description := kernelDescription(t)
	relocated := func(kernel *btf.Spec) []byte {
		t.Helper()
		spec, err := loadHolders()
		if err != nil {
			t.Fatal(err)
		}
		program := spec.Programs[holdersProgHolders]
		if err := relocate(program, kernel); err != nil {
			t.Fatal(err)
		}
		var code bytes.Buffer
		if err := program.Instructions.Marshal(&code, program.ByteOrder); err != nil {
			t.Fatal(err)
		}
		return code.Bytes()
	}
	spec, err := loadHolders()
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := namesIn(spec.Types)
	if err != nil {
		t.Fatal(err)
	}
	part, id, err := excerptOf(description, wanted, "bpf_iter_task_file")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var function *btf.Func
	if err := whole.TypeByName("bpf_iter_task_file", &function); err != nil {
		t.Fatal(err)
	}
	if want, err := whole.TypeID(function); err != nil || uint32(want) != id {
		t.Errorf("the function is type %d, want %d, %v", id, want, err)
	}
	if !bytes.Equal(relocated(part), relocated(whole)) {
		t.Error("the excerpt makes another program than the whole description")
	}
	if _, id, err := excerptOf(description, wanted, "no_such_function"); id != 0 || err != nil {
		t.Errorf("a function that does not exist: %d, %v", id, err)
	}
}

// described is a description of a few types: struct a { int b; struct a c; } and the function f.
func described() []byte {
	names := []byte("\x00a\x00b\x00c\x00f\x00")
	types := []uint32{
		0, kindInt << 24, 4, 32,
		1, kindStruct<<24 | 2, 8, 3, 1, 0, 5, 2, 32,
		7, kindFunc << 24, 1,
	}
	var b bytes.Buffer
	h := header{Magic: 0xeb9f, Version: 1, Size: 24, TypesLen: uint32(4 * len(types)), Names: uint32(4 * len(types)), NamesSize: uint32(len(names))}
	_ = binary.Write(&b, binary.NativeEndian, &h)
	_ = binary.Write(&b, binary.NativeEndian, types)
	b.Write(names)
	return b.Bytes()
}

func FuzzExcerpt(f *testing.F) {
	f.Add(described())
	f.Add(described()[:60])
	f.Fuzz(func(_ *testing.T, description []byte) {
		_, _, _ = excerptOf(description, map[string]bool{"a": true, "b": true}, "f")
	})
}

// TestExcerpt_itself: a structure cannot be made of itself; one that says so ends.
func TestExcerpt_itself(t *testing.T) {
	spec, id, err := excerptOf(described(), map[string]bool{"a": true}, "f")
	if err != nil || id != 3 {
		t.Fatalf("function %d, %v", id, err)
	}
	var a *btf.Struct
	if err := spec.TypeByName("a", &a); err != nil || len(a.Members) != 2 || a.Members[1].Name != "c" {
		t.Errorf("%+v, %v", a, err)
	}
}
