package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

// closed is how many sockets the benchmark closes: as many as a process may hold where the limit is 20,000.
const closed = 19_000

// contestant is a program that destroys all CLOSE_WAIT sockets of its namespace.
type contestant struct {
	name      string
	make      func(h *host, netns string) *exec.Cmd
	cpu, wall []time.Duration
}

// BenchmarkClose has thousands of CLOSE_WAIT sockets destroyed by three programs in turn, each a process of its own and each with the same load made anew: the kernel alone, which is a dump and one SOCK_DESTROY
// with the cookie for each socket, not looked at afterwards; ss -K; and the whole command, with its plan, its journal and its verification. Metrics are the least CPU and wall
// clock time, which others on the machine falsify least, and the ratios of these.
func BenchmarkClose(b *testing.B) {
	contestants := []*contestant{
		{name: "kernel", make: func(h *host, _ string) *exec.Cmd { return h.command(nil, bareClose) }},
		{name: "ss", make: func(*host, string) *exec.Cmd { return exec.Command("ss", "-K", "-H", "state", "close-wait") }},
		{name: "closewait", make: func(h *host, netns string) *exec.Cmd {
			return h.command(nil, "close", "state close-wait", "--how=destroy", "--netns", netns, allRisks, "--yes", "--max", strconv.Itoa(closed))
		}},
	}
	for b.Loop() {
		for _, c := range contestants {
			c.run(b)
		}
	}
	least := func(all []time.Duration) float64 { return slices.Min(all).Seconds() * 1e3 }
	for _, c := range contestants {
		b.ReportMetric(least(c.cpu), c.name+"-cpu-ms")
		b.ReportMetric(least(c.wall), c.name+"-wall-ms")
	}
	for _, floor := range contestants[:2] {
		b.ReportMetric(least(contestants[2].cpu)/least(floor.cpu), "cpu/"+floor.name)
		b.ReportMetric(least(contestants[2].wall)/least(floor.wall), "wall/"+floor.name)
	}
}

// run makes the load and lets the contestant at it.
func (c *contestant) run(b *testing.B) {
	nstest.Require(b)
	ns := nstest.New(b)
	ns.Do(func() {
		held := nstest.ManyCloseWait(b, closed)
		defer func() {
			for i := range held {
				unix.Close(held[i].FD)
			}
		}()
		cmd := c.make(&host{root: b.TempDir()}, outside(ns))
		start := time.Now()
		if out, err := cmd.Output(); err != nil {
			b.Fatalf("%s: %v: %.1000s", c.name, err, out)
		}
		c.wall = append(c.wall, time.Since(start))
		c.cpu = append(c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		conn, err := inetdiag.Open()
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		if left, _, err := conn.Sockets(b.Context(), inetdiag.Query{States: tcp.SetOf(tcp.CloseWait)}, nil); err != nil || len(left) > 0 {
			b.Fatalf("%s: %d sockets are left, %v", c.name, len(left), err)
		}
	})
}

// outside is the path of a namespace for other processes.
func outside(ns *nstest.Namespace) string {
	return strings.Replace(ns.Path(), "self", strconv.Itoa(os.Getpid()), 1)
}

// bareClose is the argument that makes the test binary what takes no more than the kernel itself wants.
const bareClose = "bare-close"

func closeBare() error {
	conn, err := inetdiag.Open()
	if err != nil {
		return err
	}
	sockets, _, err := conn.Sockets(context.Background(), inetdiag.Query{States: tcp.SetOf(tcp.CloseWait)}, nil)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	answer := make([]byte, 4096)
	for i := range sockets {
		if err := unix.Sendto(fd, bareRequest(&sockets[i]), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
		if _, err := unix.Read(fd, answer); err != nil {
			return err
		}
		if errno := int32(binary.NativeEndian.Uint32(answer[16:])); errno != 0 {
			return fmt.Errorf("socket %d of %d: %w", i, len(sockets), unix.Errno(-errno))
		}
	}
	return nil
}

// bareRequest is SOCK_DESTROY (21) for one IPv4 socket, to be acknowledged.
func bareRequest(s *tcp.Socket) []byte {
	b := binary.NativeEndian.AppendUint32(make([]byte, 0, 72), 72)
	b = binary.NativeEndian.AppendUint16(b, 21)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, unix.AF_INET, unix.IPPROTO_TCP, 0, 0, 0xff, 0xff, 0xff, 0xff)
	b = binary.BigEndian.AppendUint16(b, s.Local.Port())
	b = binary.BigEndian.AppendUint16(b, s.Peer.Port())
	local, peer := s.Local.Addr().As4(), s.Peer.Addr().As4()
	b = append(append(b, local[:]...), make([]byte, 12)...)
	b = append(append(b, peer[:]...), make([]byte, 12)...)
	b = binary.NativeEndian.AppendUint32(b, s.Interface)
	b = binary.NativeEndian.AppendUint32(b, uint32(s.Cookie))
	return binary.NativeEndian.AppendUint32(b, uint32(s.Cookie>>32))
}
