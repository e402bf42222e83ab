package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// errTypes means that the kernel's description of its types is not of the form known here.
var errTypes = errors.New("kernel types: unknown format")

// The kinds of types (BTF_KIND_*, include/uapi/linux/btf.h).
const (
	kindInt = iota + 1
	kindPointer
	kindArray
	kindStruct
	kindUnion
	kindEnum
	kindForward
	kindTypedef
	kindVolatile
	kindConst
	kindRestrict
	kindFunc
	kindFuncProto
	kindVar
	kindDataSection
	kindFloat
	kindDeclTag
	kindTypeTag
	kindEnum64
)

// parts are the bytes that follow a type of each kind: once, and for each of its members.
var parts = [...]struct{ once, each int }{
	kindInt: {once: 4}, kindArray: {once: 12}, kindStruct: {each: 12}, kindUnion: {each: 12}, kindEnum: {each: 8}, kindFuncProto: {each: 8}, kindVar: {once: 4},
	kindDataSection: {each: 12}, kindDeclTag: {once: 4}, kindEnum64: {each: 12},
}

// typeSize is that of struct btf_type, which the parts of a type follow.
const typeSize = 12

// header is struct btf_header.
type header struct {
	Magic                             uint16
	Version, Flags                    uint8
	Size                              uint32
	Types, TypesLen, Names, NamesSize uint32
}

// kernelTypes is what a program needs to know of the kernel's types and functions.
type kernelTypes struct {
	spec *btf.Spec // the types that were wanted
	// functions are the numbers of those that were asked for and exist, types those of the types in spec: both in the whole description.
	functions map[string]uint32
	types     map[btf.TypeID]uint32
}

// excerpt takes from the kernel's description of its types those that a program is compiled with. The library would read all hundred thousand and sort their names,
// which takes longer than finding the holders of ten thousand sockets.
type excerpt struct {
	types, names []byte
	offsets      []uint32 // of each type in types, by its number
	wanted       names
	functions    map[string]uint32
	// kept are the new numbers of types, of which there are count; to and text are what is made of them.
	kept     map[uint32]uint32
	count    uint32
	to, text []byte
}

// excerptOf takes the types that are wanted, and the numbers of functions.
func excerptOf(description []byte, types, functions []string) (*kernelTypes, error) {
	var h header
	if err := binary.Read(bytes.NewReader(description), binary.NativeEndian, &h); err != nil {
		return nil, errTypes
	}
	end := uint64(len(description))
	first, text := uint64(h.Size)+uint64(h.Types), uint64(h.Size)+uint64(h.Names)
	if h.Magic != 0xeb9f || first+uint64(h.TypesLen) > end || text+uint64(h.NamesSize) > end {
		return nil, errTypes
	}
	e := &excerpt{
		types: description[first : first+uint64(h.TypesLen)], names: description[text : text+uint64(h.NamesSize)],
		functions: map[string]uint32{}, kept: map[uint32]uint32{0: 0}, text: []byte{0},
	}
	e.wanted = lookFor(slices.Concat(types, functions), e.names)
	found, err := e.find()
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		if _, err := e.keep(t); err != nil {
			return nil, err
		}
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(e.bytes(h)))
	if err != nil {
		return nil, err
	}
	whole := make(map[btf.TypeID]uint32, len(e.kept))
	for old, now := range e.kept {
		whole[btf.TypeID(now)] = old
	}
	return &kernelTypes{spec, e.functions, whole}, nil
}

// names are those of a list that a description has, by their offset among all names.
type names struct {
	at map[uint32]string
	// some says quickly what is not there: of the lowest bits of each offset, whether they occur.
	some [64]uint64
}

// lookFor finds the offsets of names. One pass over all names is quicker than following the number of each type to its name.
func lookFor(list []string, text []byte) (n names) {
	n.at = make(map[uint32]string, len(list))
	wanted := make(map[string]struct{}, len(list))
	var lengths [256]uint64 // by the first byte, the lengths that occur, as bits; those of more than 63 bytes share the last
	for _, name := range list {
		if name != "" {
			wanted[name] = struct{}{}
			lengths[name[0]] |= 1 << min(len(name), 63)
		}
	}
	for offset := 0; offset < len(text); {
		length := bytes.IndexByte(text[offset:], 0)
		if length < 0 {
			break
		}
		if length > 0 && lengths[text[offset]]>>min(length, 63)&1 != 0 {
			if _, ok := wanted[string(text[offset:offset+length])]; ok {
				n.at[uint32(offset)] = string(text[offset : offset+length])
				n.some[offset>>6&63] |= 1 << (offset & 63)
			}
		}
		offset += length + 1
	}
	return n
}

// has reports whether the name at an offset is one of the list, and which.
func (n *names) has(offset uint32) (string, bool) {
	if n.some[offset>>6&63]>>(offset&63)&1 == 0 {
		return "", false
	}
	name, ok := n.at[offset]
	return name, ok
}

// find indexes the types, returns the numbers of those that are wanted, and notes those of functions.
func (e *excerpt) find() (found []uint32, err error) {
	offsets := append(make([]uint32, 0, len(e.types)/20), 0) // type 0 is void and not in the table
	for rest := e.types; len(rest) > 0; {
		if len(rest) < typeSize {
			return nil, errTypes
		}
		name, info := binary.NativeEndian.Uint32(rest), binary.NativeEndian.Uint32(rest[4:])
		kind, members := kindOf(info)
		if kind == 0 || kind >= len(parts) {
			return nil, errTypes
		}
		switch kind {
		case kindStruct, kindTypedef:
			if _, ok := e.wanted.has(name); ok {
				found = append(found, uint32(len(offsets)))
			}
		case kindFunc:
			if name, ok := e.wanted.has(name); ok {
				e.functions[name] = uint32(len(offsets))
			}
		}
		offsets = append(offsets, uint32(len(e.types)-len(rest)))
		rest = rest[min(len(rest), typeSize+parts[kind].once+members*parts[kind].each):]
	}
	e.offsets = offsets
	return found, nil
}

// word reads the n-th word of the type at an offset.
func (e *excerpt) word(at uint32, n int) uint32 {
	return binary.NativeEndian.Uint32(e.types[int(at)+4*n:])
}

// kindOf takes apart the second word of a type.
func kindOf(info uint32) (kind, members int) { return int(info >> 24 & 0x1f), int(info & 0xffff) }

func (e *excerpt) name(offset uint32) []byte {
	if offset >= uint32(len(e.names)) {
		return nil
	}
	rest := e.names[offset:]
	return rest[:max(0, bytes.IndexByte(rest, 0))]
}

// keep copies a type with the types it is made of and returns its new number. Pointers then point to nothing, and structures that are not wanted have a size and no
// members.
func (e *excerpt) keep(id uint32) (uint32, error) {
	if now, known := e.kept[id]; known {
		return now, nil
	}
	if id >= uint32(len(e.offsets)) {
		return 0, errTypes
	}
	e.kept[id] = 0 // a type that is made of itself, which there is none of, ends in nothing
	at := e.offsets[id]
	kind, members := kindOf(e.word(at, 1))
	size := typeSize + parts[kind].once + members*parts[kind].each
	if int(at)+size > len(e.types) {
		return 0, errTypes
	}
	own := bytes.Clone(e.types[at : int(at)+size])
	name := e.name(e.word(at, 0))
	set(own, 0, e.say(name))
	var made []int // the words that are numbers of types
	switch kind {
	case kindStruct, kindUnion:
		if _, wanted := e.wanted.has(e.word(at, 0)); len(name) > 0 && !wanted {
			own, members = empty(own), 0
		}
		for m := range members {
			set(own, 3+3*m, e.say(e.name(e.word(at, 3+3*m))))
			made = append(made, 4+3*m)
		}
	case kindArray:
		made = []int{3, 4}
	case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
		made = []int{2}
	case kindPointer:
		set(own, 2, 0)
	case kindEnum, kindEnum64:
		own = empty(own)
	case kindInt, kindFloat, kindForward:
	default:
		return 0, errTypes
	}
	for _, n := range made {
		part, err := e.keep(e.word(at, n))
		if err != nil {
			return 0, err
		}
		set(own, n, part)
	}
	e.count++
	e.kept[id] = e.count
	e.to = append(e.to, own...)
	return e.count, nil
}

// set writes the n-th word of a type.
func set(t []byte, n int, value uint32) { binary.NativeEndian.PutUint32(t[4*n:], value) }

// empty leaves of a type what it is and how large.
func empty(t []byte) []byte {
	set(t, 1, binary.NativeEndian.Uint32(t[4:])&^0xffff)
	return t[:typeSize]
}

// say returns where a name stands among the new ones.
func (e *excerpt) say(name []byte) uint32 {
	if len(name) == 0 {
		return 0
	}
	at := uint32(len(e.text))
	e.text = append(append(e.text, name...), 0)
	return at
}

// bytes is the excerpt in the format of the whole.
func (e *excerpt) bytes(h header) []byte {
	h.Size = uint32(binary.Size(h))
	h.Types, h.TypesLen, h.Names, h.NamesSize = 0, uint32(len(e.to)), uint32(len(e.to)), uint32(len(e.text))
	var b bytes.Buffer
	_ = binary.Write(&b, binary.NativeEndian, &h) // a Buffer takes everything
	b.Write(e.to)
	b.Write(e.text)
	return b.Bytes()
}

// namesIn are the names of the types a program was compiled with.
func namesIn(compiled *btf.Spec) (list []string, err error) {
	for t, err := range compiled.All() {
		if err != nil {
			return nil, err
		}
		list = append(list, t.TypeName())
	}
	return list, nil
}
