package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/stage"
)

// perAddress is how many connections are made from one loopback address to another; firstPort is the first port of their clients. The kernel would choose a port again whose client has gone, and the
// server would lose what it has in CLOSE_WAIT on that 4-tuple.
const perAddress, firstPort = 10_000, 20_000

// hold makes n CLOSE_WAIT sockets and keeps them until its standard input ends. The namespace is this program's own: its
// tcp_fin_timeout is lowered so that the clients' FIN_WAIT_2 remains do not stay in the table, and lo is brought up.
func hold(n int, block byte) error {
	limit := unix.Rlimit{Cur: uint64(n) + 100, Max: uint64(n) + 100}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the descriptor limit to %d: %w", limit.Cur, err)
	}
	if err := stage.SetUp("lo"); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_fin_timeout", []byte("1"), 0); err != nil {
		return err
	}
	for made := 0; made < n; {
		batch := min(n-made, perAddress)
		host := byte(1 + made/perAddress)
		if err := closeWaits([4]byte{127, 0, block, host}, [4]byte{127, 1, block, host}, batch); err != nil {
			return err
		}
		made += batch
	}
	time.Sleep(3 * time.Second) // until the remains are gone
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func closeWaits(addr, from [4]byte, n int) error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: addr, Port: 7001}); err != nil {
		return err
	}
	if err := unix.Listen(listener, 128); err != nil {
		return err
	}
	for i := range n {
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := unix.Bind(client, &unix.SockaddrInet4{Addr: from, Port: firstPort + i}); err != nil {
			return err
		}
		if err := unix.Connect(client, &unix.SockaddrInet4{Addr: addr, Port: 7001}); err != nil {
			return err
		}
		if _, _, err := unix.Accept(listener); err != nil {
			return err
		}
		unix.Close(client)
	}
	return nil
}

// bareDump reads the whole table with tcp_info, both families, and looks at nothing but the end mark.
func bareDump() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	buffer := make([]byte, 32<<10)
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		request := binary.NativeEndian.AppendUint32(nil, 72)
		request = binary.NativeEndian.AppendUint16(request, 20)
		request = binary.NativeEndian.AppendUint16(request, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
		request = append(request, 0, 0, 0, 0, 0, 0, 0, 0, family, unix.IPPROTO_TCP, 1<<(2-1), 0)
		request = binary.NativeEndian.AppendUint32(request, 0xffffffff)
		request = append(request, make([]byte, 48)...)
		if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
		for {
			if _, err := unix.Read(fd, buffer); err != nil {
				return err
			}
			if binary.NativeEndian.Uint16(buffer[4:]) == unix.NLMSG_DONE {
				break
			}
		}
	}
	return nil
}

// bareWalk reads the link of every descriptor of every process.
func bareWalk() error {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	entries, link := make([]byte, 32<<10), make([]byte, 64)
	for _, p := range processes {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		dir, err := unix.Open("/proc/"+p.Name()+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		for {
			n, err := unix.Getdents(dir, entries)
			if err != nil || n <= 0 {
				break
			}
			for at := 0; at < n; at += int(binary.NativeEndian.Uint16(entries[at+16:])) {
				name := unix.ByteSliceToString(entries[at+19 : n])
				_, _ = unix.Readlinkat(dir, name, link) // a descriptor that is gone has cost its walk all the same
			}
		}
		unix.Close(dir)
	}
	return nil
}

// bareIterator lets a BPF program visit every descriptor of every process.
func bareIterator() error {
	var files [3]uint64 // allocated, free and the limit (files_stat)
	text, err := os.ReadFile("/proc/sys/fs/file-nr")
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(string(text), &files[0], &files[1], &files[2]); err != nil {
		return err
	}
	holders, err := probe.OpenHolders(int(files[0])) //nolint:gosec // at most millions
	if err != nil {
		return err
	}
	defer holders.Close()
	return holders.Walk(context.Background(), func(*probe.Descriptor) {})
}
