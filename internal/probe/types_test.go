package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
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

// TestExcerpt holds what the excerpt makes of the programs against what the whole description makes of them.
func TestExcerpt(t *testing.T) {
	description := kernelDescription(t)
	whole, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	same := func(list []string) *kernelTypes { // the whole description numbers its types as it does
		all := &kernelTypes{spec: whole, functions: map[string]uint32{}, types: map[btf.TypeID]uint32{}}
		for _, name := range list {
			types, err := whole.AnyTypesByName(name)
			if err != nil {
				continue
			}
			for _, typ := range types {
				id, err := whole.TypeID(typ)
				if err != nil {
					t.Fatal(err)
				}
				all.types[id] = uint32(id)
				if _, ok := typ.(*btf.Func); ok {
					all.functions[name] = uint32(id)
				}
			}
		}
		return all
	}
	for name, read := range map[string]func() (*ebpf.CollectionSpec, error){holdersProgHolders: loadHolders, tablesProgTables: loadTables, optionsProgOptions: loadOptions} {
		relocated := func(kernel *kernelTypes) []byte {
			t.Helper()
			spec, err := read()
			if err != nil {
				t.Fatal(err)
			}
			program := spec.Programs[name]
			if err := relocate(program, kernel); err != nil {
				t.Fatal(err)
			}
			var code bytes.Buffer
			if err := program.Instructions.Marshal(&code, program.ByteOrder); err != nil {
				t.Fatal(err)
			}
			return code.Bytes()
		}
		spec, err := read()
		if err != nil {
			t.Fatal(err)
		}
		wanted, err := namesIn(spec.Types)
		if err != nil {
			t.Fatal(err)
		}
		functions := append(called(spec.Programs[name]), "bpf_iter_"+spec.Programs[name].AttachTo, "no_such_function")
		part, err := excerptOf(description, wanted, functions)
		if err != nil {
			t.Fatal(err)
		}
		if want := same(slices.Concat(wanted, functions)); !bytes.Equal(relocated(part), relocated(want)) {
			t.Errorf("%s: the excerpt makes another program than the whole description", name)
		} else if !maps.Equal(part.functions, want.functions) {
			t.Errorf("%s: functions %v, want %v", name, part.functions, want.functions)
		}
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
	compiled, err := os.ReadFile("testdata/kinds.btf") // of kinds.c: clang -target bpf -O2 -g -c, section .BTF
	if err != nil {
		f.Fatal(err)
	}
	if _, err := excerptOf(compiled, []string{"a", "b"}, []string{"f"}); err != nil && binary.NativeEndian.Uint16([]byte{1, 0}) == 1 { // which is its order
		f.Fatal(err)
	}
	f.Add(compiled)
	f.Fuzz(func(_ *testing.T, description []byte) {
		_, _ = excerptOf(description, []string{"a", "b"}, []string{"f"})
	})
}

// TestExcerpt_itself: a structure cannot be made of itself; one that says so ends.
func TestExcerpt_itself(t *testing.T) {
	types, err := excerptOf(described(), []string{"a"}, []string{"f"})
	if err != nil || types.functions["f"] != 3 {
		t.Fatalf("%+v, %v", types, err)
	}
	var a *btf.Struct
	if err := types.spec.TypeByName("a", &a); err != nil || len(a.Members) != 2 || a.Members[1].Name != "c" {
		t.Errorf("%+v, %v", a, err)
	}
}
