package record_test

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// opaque are the types that bring their own encoding.
var opaque = map[reflect.Type]bool{
	reflect.TypeFor[time.Time](): true, reflect.TypeFor[netip.Addr](): true, reflect.TypeFor[tcp.Endpoint](): true, reflect.TypeFor[netip.Prefix](): true,
	reflect.TypeFor[tcp.Info](): true, reflect.TypeFor[look.Holders](): true,
}

// filler gives values of any type random contents.
type filler struct{ *rand.Rand }

func (f filler) fill(v reflect.Value, depth int) {
	if opaque[v.Type()] {
		v.Set(reflect.ValueOf(f.opaque(v.Type())))
		return
	}
	n := 0
	if depth < 12 {
		n = f.IntN(4)
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.Int64() >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.IntN(1000)) / 8)
	case reflect.String:
		v.SetString(f.text())
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Pointer:
		if n > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if n > 0 { // else nil; one in four of the others is empty
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
			for i := range v.Len() {
				f.fill(v.Index(i), depth+1)
			}
		}
	case reflect.Map:
		if n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n - 1 {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				f.fill(key, depth+1)
				f.fill(value, depth+1)
				v.SetMapIndex(key, value)
			}
		}
	default:
		panic("a " + v.Type().String() + " cannot be recorded")
	}
}

// text is a name as somebody may have chosen it, which need not be UTF-8.
func (f filler) text() string {
	return [...]string{"", "java", "nginx.service", "a b\n\x1b[31m", "caf\xe9", "payments-api", "10.0.0.3", "/system.slice/x.scope", string(rune(f.IntN(0x10000)))}[f.IntN(9)]
}

func (f filler) opaque(of reflect.Type) any {
	switch of {
	case reflect.TypeFor[time.Time]():
		if f.IntN(4) == 0 {
			return time.Time{}
		}
		return time.Unix(f.Int64N(1<<33), f.Int64N(1e9)).UTC()
	case reflect.TypeFor[netip.Addr]():
		return f.address()
	case reflect.TypeFor[tcp.Endpoint]():
		return tcp.EndpointFrom(f.address(), uint16(f.Uint32()))
	case reflect.TypeFor[netip.Prefix]():
		return netip.PrefixFrom(f.address(), f.IntN(32))
	case reflect.TypeFor[tcp.Info]():
		raw := make([]byte, f.IntN(tcp.InfoSize+1))
		for i := range raw {
			raw[i] = byte(f.Uint32())
		}
		whole := tcp.MakeInfo(raw)
		return tcp.MakeInfo(whole.Bytes()) // without the beginning of a field that was cut off
	}
	holders := look.MakeHolders(2)
	for range f.IntN(4) {
		inode := f.Uint32() | 1
		holders.Want(inode)
		for range f.IntN(3) {
			holders.Add(inode, look.Holder{PID: f.IntN(1 << 22), FD: f.IntN(1 << 20)})
		}
	}
	return holders
}

func (f filler) address() netip.Addr {
	return netip.MustParseAddr([...]string{"10.0.0.3", "203.0.113.9", "127.0.0.1", "::1", "::", "fe80::1", "2001:db8::7", "::ffff:10.0.0.3", "0.0.0.0"}[f.IntN(9)])
}

func compressed(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(b, nil)
}
