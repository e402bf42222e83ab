package redact_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/redact"
	"github.com/closewait/closewait/tcp"
)

// TestClassified walks the types of a recording. A text without a treatment would be lost in redacted recordings, and one of an unknown kind nobody has thought about.
func TestClassified(t *testing.T) {
	treatments := []string{"keep", "name", "path", "file", "command", "id", "release", "text", "drop"}
	known := []reflect.Type{
		reflect.TypeFor[time.Time](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[tcp.Endpoint](), reflect.TypeFor[tcp.Info](), reflect.TypeFor[tcp.Name](),
		reflect.TypeFor[look.Holders](),
	}
	texts := 0
	seen := map[reflect.Type]bool{}
	var walk func(path, how string, of reflect.Type)
	walk = func(path, how string, of reflect.Type) {
		if slices.Contains(known, of) {
			return
		}
		switch of.Kind() {
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				if !f.IsExported() {
					t.Errorf("%s.%s is not exported: what it holds is left out", path, f.Name)
				}
				if !seen[of] || f.Type.Kind() == reflect.String {
					walk(path+"."+f.Name, f.Tag.Get("redact"), f.Type)
				}
			}
			seen[of] = true
		case reflect.Pointer:
			walk(path, how, of.Elem())
		case reflect.Slice, reflect.Array:
			if of.Elem().Kind() == reflect.Uint8 && how != "drop" && how != "keep" {
				t.Errorf("%s is bytes: give the field the tag redact:\"drop\", or \"keep\" when nobody chose them", path)
				return
			}
			walk(path+"[]", how, of.Elem())
		case reflect.Map:
			walk(path+"[key]", how, of.Key())
			walk(path+"[]", how, of.Elem())
		case reflect.String:
			if texts++; !slices.Contains(treatments, how) {
				t.Errorf("%s is text without a treatment: give the field a tag redact:\"...\" (%s), see package redact", path, strings.Join(treatments, ", "))
			}
		case reflect.Interface, reflect.Func, reflect.Chan:
			t.Errorf("%s is a %v, which is left out", path, of)
		}
	}
	walk("Recording", "", reflect.TypeFor[record.Recording]())
	if texts < 10 {
		t.Errorf("the walk came to %d texts", texts)
	}
}

// TestOf_failsClosed: nothing stays of what nobody has declared.
func TestOf_failsClosed(t *testing.T) {
	type inner struct{ Undeclared string }
	type evidence struct {
		Undeclared string
		Misspelt   string `redact:"naem"`
		Bytes      []byte `redact:"name"`
		Any        any
		Call       func() string
		hidden     string
		Inner      []inner
		ByName     map[string]int
		Declared   string `redact:"name"`
		Number     int
	}
	in := evidence{
		"secret", "secret", []byte("secret"), "secret", func() string { return "secret" }, "secret", []inner{{"secret"}}, map[string]int{"secret": 1}, "secret", 7,
	}
	out := redact.Of(redact.New(), in)
	want := evidence{Inner: []inner{{}}, ByName: map[string]int{"": 1}, Declared: "name-1", Number: 7}
	if !reflect.DeepEqual(out, want) {
		t.Errorf("%+v, want %+v", out, want)
	}
	if in.Inner[0].Undeclared != "secret" || in.Declared != "secret" {
		t.Errorf("the original was changed: %+v", in)
	}
}

func TestText(t *testing.T) {
	type texts struct {
		Name    string `redact:"name"`
		Unit    string `redact:"name"`
		Pod     string `redact:"name"`
		Path    string `redact:"path"`
		Command string `redact:"command"`
		Boot    string `redact:"id"`
		ID      string `redact:"id"`
		Kernel  string `redact:"release"`
		Message string `redact:"text"`
		Remedy  string `redact:"drop"`
		Code    string `redact:"keep"`
	}
	got := redact.Of(redact.New(), []texts{
		{
			"payments", "payments.service", "shop/payments-7f9", "/user.slice/user-1000.slice/user@1000.service/app.slice/payments.service", "payments --key=1",
			"b5a1c2d3-0000-4000-8000-000000000000", strings.Repeat("ab", 32), "6.1.0-acme-7", "cannot enter blue", "ask Eve", "CW501",
		},
		{"nginx", "getty@tty1.service", "shop", "/system.slice/nginx.service", "payments --key=1", "x", "", "acme", "", "", ""},
	})
	want := []texts{
		{
			"name-1", "name-1.service", "name-2/name-3", "/user.slice/user-1000.slice/user@1000.service/app.slice/name-1.service", "command-1",
			"00000001-0000-0000-0000-000000000000", "00000002" + strings.Repeat("0", 56), "6.1.0", redact.Left, "", "CW501",
		},
		{"name-4", "name-5@name-6.service", "name-2", "/system.slice/name-4.service", "command-1", "id-3", "", "", "", "", ""},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("\n%+v, want\n%+v", got[i], want[i])
		}
	}
}

func TestText_file(t *testing.T) {
	type file struct {
		Target string `redact:"file"`
	}
	for in, want := range map[string]string{
		"socket:[4711]": "socket:[4711]", "anon_inode:[eventpoll]": "anon_inode:[eventpoll]", "/dev/null": "/dev/null", "/srv/payments/key": "/name-1/name-2/name-3",
		"/memfd:secret (deleted)": "/name-1", "/dev/secret": "/name-1/name-2", "secret:[1]": "name-1",
	} {
		if got := redact.Of(redact.New(), file{in}); got.Target != want {
			t.Errorf("%s: %s, want %s", in, got.Target, want)
		}
	}
}

func TestAddr(t *testing.T) {
	r := redact.New()
	for _, test := range []struct{ in, want string }{
		{"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}, {"0.0.0.0", "0.0.0.0"}, {"::", "::"}, {"::ffff:127.0.0.2", "::ffff:127.0.0.2"},
		{"10.20.4.17", "10.0.0.1"}, {"10.20.4.3", "10.0.0.2"}, {"::ffff:10.20.4.3", "::ffff:10.0.0.2"}, {"10.9.0.5", "10.0.1.1"}, {"10.20.4.17", "10.0.0.1"},
		{"172.20.1.1", "172.16.0.1"}, {"192.168.7.7", "192.168.0.1"}, {"100.64.3.3", "100.64.0.1"}, {"169.254.169.254", "169.254.0.1"},
		{"8.8.8.8", "198.18.0.1"}, {"8.8.4.4", "198.18.1.1"}, {"198.18.0.1", "198.18.2.1"}, {"64:ff9b::8.8.8.8", "64:ff9b::c612:1"},
		{"fe80::dead:beef", "fe80::1"}, {"fe80::1%eth0", "fe80::2%name-1"}, {"fd12:3456::9", "fd00::1"}, {"2a00:1450:4001::200e", "2001:db8::1"},
		{"2a00:1450:4001::200f", "2001:db8::2"}, {"2a00:1450:4002::1", "2001:db8:0:1::1"},
	} {
		if got := r.Addr(netip.MustParseAddr(test.in)).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.in, got, test.want)
		}
	}
	if got := r.Addr(netip.Addr{}); got.IsValid() {
		t.Errorf("no address became %v", got)
	}
}

// TestAddr_relations: what equals, is near or is of a kind does so afterwards, and nothing else does.
func TestAddr_relations(t *testing.T) {
	address := rapid.Custom(func(t *rapid.T) netip.Addr {
		v4 := netip.AddrFrom4([4]byte{
			rapid.SampledFrom([]byte{0, 8, 10, 11, 100, 127, 169, 172, 192, 198, 203, 224, 240, 255}).Draw(t, "a"), rapid.SampledFrom([]byte{0, 16, 18, 64, 168, 254, 255}).Draw(t, "b"),
			rapid.SampledFrom([]byte{0, 1, 255}).Draw(t, "c"), rapid.Byte().Draw(t, "d"),
		})
		switch rapid.IntRange(0, 2).Draw(t, "family") {
		case 0:
			return v4
		case 1:
			return netip.AddrFrom16(v4.As16())
		}
		first := rapid.SampledFrom([]string{"::", "fe80::", "fd00:1::", "fc00::", "2a00:1450::", "2001:db8::", "ff02::", "64:ff9b::", "2a00:1450:0:1::"}).Draw(t, "prefix")
		b := netip.MustParseAddr(first).As16()
		b[15] = rapid.Byte().Draw(t, "host")
		return netip.AddrFrom16(b)
	})
	near := func(a, b netip.Addr) bool {
		bits := 64
		if a.Is4() {
			bits = 24
		}
		return a.BitLen() == b.BitLen() && netip.PrefixFrom(a, bits).Masked() == netip.PrefixFrom(b, bits).Masked()
	}
	// Loopback stays, and an address made of an IPv4 address goes by that one.
	apart := func(a netip.Addr) bool {
		return a.IsLoopback() || a.IsUnspecified() || a.Is4In6() || strings.HasPrefix(a.String(), "64:ff9b::")
	}
	kind := func(a netip.Addr) string {
		return fmt.Sprint(a.Is4(), a.Is4In6(), a.IsUnspecified(), a.IsLoopback(), a.IsPrivate(), a.IsLinkLocalUnicast(), a.IsMulticast(), a.Is6())
	}
	rapid.Check(t, func(t *rapid.T) {
		r := redact.New()
		list := rapid.SliceOfN(address, 2, 60).Draw(t, "addresses")
		for _, a := range list {
			for _, b := range list {
				x, y := r.Addr(a), r.Addr(b)
				if (a == b) != (x == y) || (a.Unmap() == b.Unmap()) != (x.Unmap() == y.Unmap()) || kind(a) != kind(x) {
					t.Fatalf("%v and %v became %v and %v", a, b, x, y)
				}
				if !apart(a) && !apart(b) && near(a, b) != near(x, y) {
					t.Fatalf("%v and %v became %v and %v: one /24 or /64 or not", a, b, x, y)
				}
			}
		}
	})
}

// TestAddr_many: networks do not run out, whatever their number.
func TestAddr_many(t *testing.T) {
	r := redact.New()
	got := map[netip.Addr]bool{}
	const many = 600
	for i := range many {
		got[r.Addr(netip.AddrFrom4([4]byte{8, byte(i >> 8), byte(i), 1}))] = true
	}
	if len(got) != many || !got[netip.MustParseAddr("240.0.0.1")] {
		t.Errorf("%d substitutes for %d networks", len(got), many)
	}
}

// TestOf_nothingLeaks: of names and addresses that appear nowhere else, none is in a redacted recording.
func TestOf_nothingLeaks(t *testing.T) {
	secret := netip.MustParseAddr("203.0.113.77")
	s := &look.Snapshot{
		Host: look.Host{Name: "secret-host", Kernel: "6.1.0-secret", BootID: "secret"},
		Namespaces: []look.Namespace{{Name: "secret-ns", Messages: []byte("secret"), Sysctls: map[string]int64{"tcp_retries2": 15}, Sockets: []tcp.Socket{{
			Family: tcp.IPv4, Local: tcp.EndpointFrom(secret, 80), Peer: tcp.EndpointFrom(netip.AddrFrom16(secret.As16()), 443),
		}}}},
		Processes: map[int]*look.Process{7: {PID: 7, Comm: "secretd", Cmdline: "secretd --secret", Workload: look.Workload{
			Name: "secret", Unit: "secret.service", ContainerID: "secret00", Pod: "secret/secret", Cgroup: "/secret.slice/secret.service",
		}}},
		Missing: []look.Missing{{Code: "CW501", Message: "secret", Remedy: "secret"}},
	}
	in := &record.Recording{Snapshot: s, Later: slices.Clone(s.Namespaces[0].Sockets)}
	out := redact.Of(redact.New(), in)
	text := fmt.Sprintf("%+v %+v %+v %+v %x", *out.Snapshot, out.Snapshot.Namespaces, *out.Snapshot.Processes[7], out.Later, out.Snapshot.Namespaces[0].Messages)
	for _, trace := range []string{"secret", "203.0.113", fmt.Sprintf("%x", "secret")} {
		if strings.Contains(text, trace) {
			t.Errorf("%q in %s", trace, text)
		}
	}
	if out.Snapshot.Namespaces[0].Sysctls["tcp_retries2"] != 15 || out.Snapshot.Namespaces[0].Sockets[0].Peer.Port() != 443 {
		t.Errorf("numbers are gone: %s", text)
	}
	var b bytes.Buffer
	if err := record.Write(&b, out); err != nil {
		t.Fatal(err)
	}
}
