package procfs_test

import (
	"encoding/binary"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

// TestCalls_numbers holds the table of system calls against the numbers that x/sys/unix has generated from the kernel's headers, for every architecture Go runs on.
func TestCalls_numbers(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("the numbers stand in the sources of x/sys, which go finds: ", err)
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal("where is x/sys: ", err)
	}
	for arch, abi := range map[string]procfs.ABI{
		"386": procfs.I386, "amd64": procfs.AMD64, "arm": procfs.ARM, "arm64": procfs.Generic, "loong64": procfs.Generic, "riscv64": procfs.Generic,
		"mips": procfs.MIPS, "mipsle": procfs.MIPS, "mips64": procfs.MIPS64, "mips64le": procfs.MIPS64, "ppc64": procfs.PPC, "ppc64le": procfs.PPC, "s390x": procfs.S390X,
	} {
		numbers := constants(t, strings.TrimSpace(string(out))+"/unix/zsysnum_linux_"+arch+".go")
		seen := 0
		for _, call := range procfs.CallNames() {
			want, ok := numbers["SYS_"+strings.ToUpper(call)]
			if !ok {
				continue
			}
			seen++
			s := procfs.Syscall{Number: want, Args: [6]uint64{1, 1, 1, 1, 1, 1}}
			if got := s.Call(abi); got.Name != call {
				t.Errorf("%s: %d is %q, want %q", arch, want, got.Name, call)
			}
		}
		resumed := procfs.Syscall{Number: numbers["SYS_RESTART_SYSCALL"]}
		if resumed.Resume(abi, "futex_do_wait"); resumed.Call(abi).Name != "futex" {
			t.Errorf("%s: restart_syscall is not %d", arch, numbers["SYS_RESTART_SYSCALL"])
		}
		if seen < 30 {
			t.Errorf("%s: only %d of the calls have numbers", arch, seen)
		}
	}
}

// constants returns the integer constants of a Go file.
func constants(t *testing.T, path string) map[string]int64 {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				if value, err := strconv.ParseInt(lit.Value, 0, 64); err == nil {
					all[v.Names[0].Name] = value
				}
			}
		}
		return true
	})
	return all
}

func TestSyscall_Call(t *testing.T) {
	tests := []struct {
		name, line string
		abi        procfs.ABI
		want       look.Call
	}{
		{"runs", "running\n", procfs.AMD64, look.Call{Kind: look.CallNone, FD: -1}},
		{"outside of a call", "-1 0x7ffc 0x4000\n", procfs.AMD64, look.Call{Kind: look.CallFault, FD: -1}},
		{"read", "0 0x5 0x7f 0x400 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.AMD64, look.Call{Kind: look.CallRead, Name: "read", FD: 5}},
		{"the same number elsewhere", "0 0x5 0x7f 0x400 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.Generic, look.Call{FD: -1}},
		{"upper half of an int", "1 0xdeadbeef00000008 0x7f 0x400 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.AMD64, look.Call{Kind: look.CallWrite, Name: "write", FD: 8}},
		{"accept", "242 0x3 0x0 0x0 0x80000 0x0 0x0 0x7ffc 0x7f14\n", procfs.Generic, look.Call{Kind: look.CallAccept, Name: "accept4", FD: 3}},
		{"epoll", "251 0x9 0x0 0x0 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.S390X, look.Call{Kind: look.CallPoll, Name: "epoll_wait", FD: 9}},
		{"poll", "7 0x7ffc00 0x2 0xffffffff 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.AMD64, look.Call{Kind: look.CallPoll, Name: "poll", FD: -1}},
		{"sleep by select", "23 0x0 0x0 0x0 0x0 0x7ffc 0x0 0x7ffc 0x7f14\n", procfs.AMD64, look.Call{Kind: look.CallSleep, Name: "select", FD: -1}},
		{"sleep by poll", "168 0x0 0x0 0x3e8 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.I386, look.Call{Kind: look.CallSleep, Name: "poll", FD: -1}},
		{"old way to receive", "102 0xa 0xbf00 0x0 0x0 0x0 0x0 0xbf00 0xb700\n", procfs.I386, look.Call{Kind: look.CallRead, Name: "recv", FD: -1}},
		{"lock", "4238 0x7f 0x80 0x0 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.MIPS, look.Call{Kind: look.CallLock, Name: "futex", FD: -1}},
		{"opening", "257 0xffffff9c 0x7ffc 0x0 0x0 0x1 0x5592 0x7ffc 0x7ff9\n", procfs.AMD64, look.Call{Kind: look.CallFile, Name: "openat", FD: -1}},
		{"unknown program", "0 0x5 0x7f 0x400 0x0 0x0 0x0 0x7ffc 0x7f14\n", procfs.UnknownABI, look.Call{FD: -1}},
	}
	for _, test := range tests {
		s, err := procfs.ParseSyscall([]byte(test.line))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, s.Call(test.abi)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
	for _, line := range []string{"", "0", "0 1 2", "x 0x0 0x0 0x0 0x0 0x0 0x0", "3 0x0 0x0 zz 0x0 0x0 0x0"} {
		if s, err := procfs.ParseSyscall([]byte(line)); err == nil {
			t.Errorf("%q is taken for %+v", line, s)
		}
	}
}

// TestSyscall_Resume: what a call with a time limit was is told by what its thread waits in.
func TestSyscall_Resume(t *testing.T) {
	for _, test := range []struct {
		line, channel string
		want          look.Call
	}{
		{"219 0x7fec05af4330 0x1 0xf4240 0x7fec05bd58d0 0x0 0xa5b8e8 0x7ffc 0x7fec", "poll_schedule_timeout.constprop.0", look.Call{Kind: look.CallPoll, Name: "poll", FD: -1}},
		{"219 0x0 0x0 0xf4240 0x0 0x0 0x0 0x7ffc 0x7fec", "do_sys_poll", look.Call{Kind: look.CallSleep, Name: "poll", FD: -1}},
		{"219 0x235b00f0 0x89 0x0 0x7febf77f9970 0x0 0xffffffff 0x7ffc 0x7fec", "futex_do_wait", look.Call{Kind: look.CallLock, Name: "futex", FD: -1}},
		{"219 0x0 0x0 0x7ffed9abbf60 0x7ffed9abbf60 0x0 0x8 0x7ffc 0x7fec", "do_syscall_64", look.Call{Kind: look.CallSleep, Name: "clock_nanosleep", FD: -1}},
		{"219 0x7ffed9abbf60 0x0 0x0 0x0 0x0 0x8 0x7ffc 0x7fec", "hrtimer_nanosleep", look.Call{Kind: look.CallSleep, Name: "nanosleep", FD: -1}},
		{"219 0x0 0x0 0x0 0x0 0x0 0x8 0x7ffc 0x7fec", "0", look.Call{FD: -1}},
		{"0 0x5 0x7f 0x400 0x0 0x0 0x0 0x7ffc 0x7fec", "do_sys_poll", look.Call{Kind: look.CallRead, Name: "read", FD: 5}},
	} {
		s, err := procfs.ParseSyscall([]byte(test.line))
		if err != nil {
			t.Fatal(err)
		}
		s.Resume(procfs.AMD64, test.channel)
		if diff := cmp.Diff(test.want, s.Call(procfs.AMD64)); diff != "" {
			t.Errorf("%s in %s: (-want +got)\n%s", test.line, test.channel, diff)
		}
	}
}

func TestParseABI(t *testing.T) {
	header := func(class, order byte, machine uint16, flags uint32) []byte {
		b := make([]byte, 64)
		copy(b, "\x7fELF")
		b[4], b[5] = class, order
		var bo binary.ByteOrder = binary.LittleEndian
		if order == 2 {
			bo = binary.BigEndian
		}
		bo.PutUint16(b[18:], machine)
		bo.PutUint32(b[36:], flags)
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		abi  procfs.ABI
		wide bool
	}{
		{"i386", header(1, 1, 3, 0), procfs.I386, false},
		{"amd64", header(2, 1, 62, 0), procfs.AMD64, true},
		{"x32", header(1, 1, 62, 0), procfs.UnknownABI, false},
		{"arm", header(1, 1, 40, 0), procfs.ARM, false},
		{"arm64", header(2, 1, 183, 0), procfs.Generic, true},
		{"riscv64", header(2, 1, 243, 0), procfs.Generic, true},
		{"loong64", header(2, 1, 258, 0), procfs.Generic, true},
		{"mips o32", header(1, 2, 8, 0), procfs.MIPS, false},
		{"mips n32", header(1, 2, 8, 0x20), procfs.UnknownABI, false},
		{"mips64", header(2, 2, 8, 0), procfs.MIPS64, true},
		{"ppc64", header(2, 2, 21, 0), procfs.PPC, true},
		{"s390x", header(2, 2, 22, 0), procfs.S390X, true},
		{"a script", []byte("#!/bin/sh\nexec sleep 1000000000000000000\n"), procfs.UnknownABI, false},
		{"nothing", nil, procfs.UnknownABI, false},
	} {
		if abi, wide := procfs.ParseABI(test.b); abi != test.abi || wide != test.wide {
			t.Errorf("%s: %d, %t; want %d, %t", test.name, abi, wide, test.abi, test.wide)
		}
	}
}

func FuzzParseSyscall(f *testing.F) {
	f.Add([]byte("running\n"), byte(1))
	f.Add([]byte("0 0x5 0x7f 0x400 0x0 0x0 0x0 0x7ffc 0x7f14\n"), byte(1))
	f.Fuzz(func(t *testing.T, line []byte, abi byte) {
		s, err := procfs.ParseSyscall(line)
		if c := s.Call(procfs.ABI(abi)); err != nil && c.Name != "" && s.Number != 0 {
			t.Errorf("%q: an error and %+v", line, c)
		}
	})
}
