package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/tcp"
)

// namespace is a network namespace with settings of its own. It lives as long as the program.
type namespace struct {
	name string
	path string // leads host.Look to it
	work chan func()
	mu   sync.Mutex
	conn *inetdiag.Conn
}

// newNamespace makes a namespace with some sysctls below net.ipv4. Commands are arguments of ip(8).
func newNamespace(name string, sysctls map[string]int, commands []string) (*namespace, error) {
	ns := &namespace{name: name, work: make(chan func())}
	ready := make(chan error)
	go ns.live(ready)
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("namespace %s: %w", name, err)
	}
	err := ns.do(func() error { return ns.furnish(sysctls, commands) })
	return ns, err
}

// live is the one thread that is in the namespace. It never goes back to the runtime.
func (ns *namespace) live(ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		go ns.live(ready) // not the main thread: /proc/self/ns/net is about that one
		select {}
	}
	err := os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_NEWNET))
	ns.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", unix.Getpid(), unix.Gettid())
	ready <- err
	for f := range ns.work {
		f()
	}
}

// do runs f on the namespace's thread.
func (ns *namespace) do(f func() error) error {
	done := make(chan error)
	ns.work <- func() { done <- f() }
	return <-done
}

func (ns *namespace) furnish(sysctls map[string]int, commands []string) error {
	if err := setUp("lo"); err != nil {
		return err
	}
	for key, value := range sysctls {
		if err := writeSysctl(key, value); err != nil {
			return err
		}
	}
	if err := ip(commands...); err != nil {
		return err
	}
	var err error
	ns.conn, err = inetdiag.Open()
	return err
}

// get looks a single socket up.
func (ns *namespace) get(want, found *tcp.Socket) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.conn.Get(context.Background(), want, 0, found)
}

// ip runs ip(8) in the namespace of the calling thread.
func ip(commands ...string) error {
	for _, command := range commands {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	return nil
}

// writeSysctl acts in the namespace of the calling thread.
func writeSysctl(key string, value int) error {
	return os.WriteFile("/proc/sys/net/ipv4/"+key, strconv.AppendInt(nil, int64(value), 10), 0)
}

// setUp brings a device of the calling thread's namespace up.
func setUp(device string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request))
}

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)
