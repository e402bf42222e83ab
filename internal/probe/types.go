package probe

import (
	"bytes"
	"encoding/binary"
	"errors"

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

// excerpt takes from the kernel's description of its types those that a program is compiled with. The library would read all hundred thousand and sort their names,
// which takes longer than finding the holders of ten thousand sockets.
type excerpt struct {
	types, names []byte
	offsets      []uint32 // of each type in types, by its number
	wanted       map[string]bool
	// kept are the new numbers of types, of which there are count; to and text are what is made of them.
	kept     map[uint32]uint32
	count    uint32
	to, text []byte
}

// excerptOf also returns the number of a function in the whole description, 0 for none.
func excerptOf(description []byte, wanted map[string]bool, function string) (spec *btf.Spec, id uint32, err error) {
	var h header
	if err := binary.Read(bytes.NewReader(description), binary.NativeEndian, &h); err != nil {
		return nil, 0, errTypes
	}
	end := uint64(len(description))
	types, names := uint64(h.Size)+uint64(h.Types), uint64(h.Size)+uint64(h.Names)
	if h.Magic != 0xeb9f || types+uint64(h.TypesLen) > end || names+uint64(h.NamesSize) > end {
		return nil, 0, errTypes
	}
	e := &excerpt{
		types: description[types : types+uint64(h.TypesLen)], names: description[names : names+uint64(h.NamesSize)],
		wanted: wanted, kept: map[uint32]uint32{0: 0}, text: []byte{0},
	}
	found, id, err := e.find(function)
	if err != nil {
		return nil, 0, err
	}
	for _, t := range found {
		if _, err := e.keep(t); err != nil {
			return nil, 0, err
		}
	}
	spec, err = btf.LoadSpecFromReader(bytes.NewReader(e.bytes(h)))
	return spec, id, err
}

// find indexes the types and returns the numbers of those that are wanted.
func (e *excerpt) find(function string) (found []uint32, id uint32, err error) {
	e.offsets = append(make([]uint32, 0, len(e.types)/24), 0) // type 0 is void and not in the table
	for at := 0; at < len(e.types); {
		if at+typeSize > len(e.types) {
			return nil, 0, errTypes
		}
		kind, members := e.kind(uint32(at))
		if kind == 0 || kind >= len(parts) {
			return nil, 0, errTypes
		}
		switch kind {
		case kindStruct, kindTypedef:
			if name := e.name(e.word(uint32(at), 0)); e.wanted[string(name)] {
				found = append(found, uint32(len(e.offsets)))
			}
		case kindFunc:
			if id == 0 && string(e.name(e.word(uint32(at), 0))) == function {
				id = uint32(len(e.offsets))
			}
		}
		e.offsets = append(e.offsets, uint32(at))
		at += typeSize + parts[kind].once + members*parts[kind].each
	}
	return found, id, nil
}

// word reads the n-th word of the type at an offset.
func (e *excerpt) word(at uint32, n int) uint32 {
	return binary.NativeEndian.Uint32(e.types[int(at)+4*n:])
}

func (e *excerpt) kind(at uint32) (kind, members int) {
	info := e.word(at, 1)
	return int(info >> 24 & 0x1f), int(info & 0xffff)
}

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
	kind, members := e.kind(at)
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
		if len(name) > 0 && !e.wanted[string(name)] {
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
func namesIn(compiled *btf.Spec) (map[string]bool, error) {
	names := map[string]bool{}
	for t, err := range compiled.All() {
		if err != nil {
			return nil, err
		}
		if t.TypeName() != "" {
			names[t.TypeName()] = true
		}
	}
	return names, nil
}
