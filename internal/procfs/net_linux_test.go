package procfs_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/procfs"
)

func TestSockstat_fixture(t *testing.T) {
	f, root := fixture(t, map[int]fakeProcess{
		10: {files: map[string]string{"net/sockstat": sockstat, "net/sockstat6": sockstat6}},
		20: {files: map[string]string{"net/sockstat": sockstat}}, // no IPv6
		30: {},
		40: {files: map[string]string{"net/sockstat": "", "net/sockstat6": sockstat6}},
		50: {files: map[string]string{"net/sockstat": sockstat, "net/sockstat6": ""}},
	})
	write(t, root, map[string]string{"thread-self/net/sockstat": "TCP: inuse 9\n"})
	for _, pid := range []int{40, 50} {
		if got, err := f.Sockstat(pid); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a file without the count is taken for %+v, %v", got, err)
		}
	}
	both := procfs.Sockstat{InUse: count(1), InUse6: count(4), Orphans: count(0), TimeWait: count(7), Allocated: count(2), MemoryPages: count(3)}
	if got, err := f.Sockstat(10); err != nil || got != both {
		t.Errorf("%+v, %v", got, err)
	}
	both.InUse6 = procfs.Count{}
	if got, err := f.Sockstat(20); err != nil || got != both {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := f.Sockstat(30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if got, err := f.SockstatSelf(); err != nil || got != (procfs.Sockstat{InUse: count(9)}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCounters_fixture(t *testing.T) {
	f, root := fixture(t, map[int]fakeProcess{10: {files: map[string]string{"net/snmp": "Tcp: CurrEstab\nTcp: 17\n", "net/netstat": "TcpExt: ListenDrops\nTcpExt: 3\n"}}, 20: {}})
	write(t, root, map[string]string{"thread-self/net/snmp": "Tcp: CurrEstab\nTcp: 5\n"})
	got, err := f.Counters(10)
	if diff := cmp.Diff(map[string]int64{"Tcp.CurrEstab": 17, "TcpExt.ListenDrops": 3}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := f.Counters(20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if got, err := f.CountersSelf(); err != nil || got["Tcp.CurrEstab"] != 5 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestSockstat_kernel counts a listener of ours. Others open and close sockets meanwhile, so only lower bounds hold.
func TestSockstat_kernel(t *testing.T) {
	f := procfs.New("/proc")
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	for name, read := range map[string]func() (procfs.Sockstat, error){
		"pid": func() (procfs.Sockstat, error) { return f.Sockstat(os.Getpid()) }, "self": f.SockstatSelf,
	} {
		got, err := read()
		if err != nil || got.InUse.N < 1 || got.Allocated.N < 1 || !got.Orphans.Reported || !got.TimeWait.Reported || !got.MemoryPages.Reported {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	counters, err := f.CountersSelf()
	if _, ok := counters["TcpExt.ListenOverflows"]; err != nil || !ok || counters["Tcp.MaxConn"] != -1 {
		t.Errorf("%v, %v", counters, err)
	}
}

func TestNamespaceInode(t *testing.T) {
	f := procfs.New("/proc")
	link, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.NamespaceInode(os.Getpid()); err != nil || link != "net:["+strconv.FormatUint(got, 10)+"]" {
		t.Errorf("%d, %v; want %s", got, err, link)
	}
	if _, err := f.NamespaceInode(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := f.NamespaceInode(1); os.Getuid() != 0 && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	odd, root := fixture(t, map[int]fakeProcess{10: {}})
	if err := errors.Join(os.Mkdir(root+"/10/ns", 0o755), os.Symlink("mnt:[5]", root+"/10/ns/net")); err != nil {
		t.Fatal(err)
	}
	if _, err := odd.NamespaceInode(10); err == nil || !strings.Contains(err.Error(), `unknown link "mnt:[5]"`) {
		t.Errorf("got %v", err)
	}
}

func TestHost(t *testing.T) {
	f, root := fixture(t, nil)
	write(t, root, map[string]string{"sys/kernel/random/boot_id": "01234567-89ab\n"})
	h, err := f.Host()
	name, _ := os.Hostname()
	if err != nil || h.BootID != "01234567-89ab" || h.Name != name || h.Kernel == "" {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err := procfs.New("/nowhere").Host(); err != nil || h.BootID != "" || h.Kernel == "" {
		t.Errorf("%+v, %v", h, err)
	}
}
