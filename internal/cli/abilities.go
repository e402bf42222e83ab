package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/internal/unixdiag"
	"github.com/closewait/closewait/tcp"
)

const asRoot = "run as root"

// abilities finds out what this process can do on this host, by trying it where that changes nothing.
func abilities(ctx context.Context) []Capability {
	list := []Capability{sockDiag(ctx)}
	return append(list, namespaceAbility(ctx), ownerAbility(ctx), unixAbility(ctx), deadAbility(), destroyAbility(ctx), bpfAbility())
}

// ability makes a Capability of the outcome of a try: nil means that it worked.
func ability(name, detail string, err error, remedy string) Capability {
	switch {
	case err == nil:
		return Capability{name, StatusAvailable, detail, ""}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		return Capability{name, StatusMissing, detail + ": " + err.Error(), remedy}
	}
	return Capability{name, StatusUnknown, detail + ": " + err.Error(), remedy}
}

// sockDiag looks for the end of tcp_info in a socket of this namespace, if there is one.
func sockDiag(ctx context.Context) Capability {
	const name = "sock_diag"
	detail := "reads sockets with all their facts"
	conn, err := inetdiag.Open()
	if err != nil {
		return ability(name, detail, err, "needs CONFIG_INET_DIAG and CONFIG_INET_TCP_DIAG")
	}
	defer conn.Close()
	longest := 0
	stats, err := conn.Dump(ctx, inetdiag.Query{Extensions: inetdiag.WithInfo}, func(s *tcp.Socket) error {
		longest = max(longest, s.Info.Size())
		return nil
	})
	if longest > 0 {
		detail += fmt.Sprintf("; tcp_info of %d bytes", longest)
	}
	if stats.UnknownAttributes > 0 {
		detail += fmt.Sprintf("; %d attributes unknown to this version", stats.UnknownAttributes)
	}
	return ability(name, detail, err, "")
}

func namespaceAbility(ctx context.Context) Capability {
	all, hidden, err := netns.List(ctx, netns.DefaultRoots())
	entered := 0
	for _, ns := range all {
		if e := netns.DefaultRoots().Do(ns, func() error { return nil }); e == nil {
			entered++
		} else if err == nil && !errors.Is(e, netns.ErrVanished) {
			err = e
		}
	}
	if err == nil && len(hidden) > 0 {
		err = hidden[0].Err
	}
	return ability("network_namespaces", fmt.Sprintf("%d of %d readable", entered, len(all)+len(hidden)), err, asRoot+" (CAP_SYS_ADMIN, CAP_SYS_PTRACE)")
}

func ownerAbility(ctx context.Context) Capability {
	proc := procfs.New("/proc")
	stats, err := proc.Walk(ctx, procfs.Walk{Visit: func(int, int, uint32) procfs.Next { return procfs.NextProcess }})
	detail := fmt.Sprintf("descriptors of %d of %d processes readable", stats.Processes, stats.Processes+stats.NotPermitted)
	if proc.Inner() {
		detail += ", of one pid namespace"
	}
	if err == nil && stats.NotPermitted > 0 {
		err = fs.ErrPermission
	}
	return ability("owners", detail, err, asRoot+" (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH)")
}

// unixAbility reads the table of unix sockets. A kernel without unix_diag knows no such question.
func unixAbility(ctx context.Context) Capability {
	_, err := unixdiag.Read(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.ErrUnsupported
	}
	return ability("unix_sockets", "finds who is waited for behind unix sockets", err, "needs CONFIG_UNIX_DIAG")
}

// deadAbility asks a descriptor of our own, standard input, in the way that dead sockets are asked. That it is no socket is a right answer.
func deadAbility() Capability {
	_, err := sockopt.Inspect(os.Getpid(), 0, 0)
	if errors.Is(err, sockopt.ErrGone) {
		err = nil
	}
	return ability("dead_descriptors", "finds leaked descriptors that no table shows (pidfd_getfd)", err, "needs Linux 5.6")
}

// nameBPF is the capability that --no-bpf makes no use of.
const nameBPF = "bpf"

// bpfAbility loads the program that finds holders; it is gone again before this returns.
func bpfAbility() Capability {
	detail := "finds the holders of thousands of sockets in one pass"
	holders, err := probe.OpenHolders(0)
	if err == nil {
		detail += ", by " + holders.Way
		err = holders.Close()
	}
	if options, err := probe.OpenOptions(time.Millisecond); err == nil {
		detail += "; knows what orphans have of their own, by iter/tcp"
		_ = options.Close() // nothing is left of it but a descriptor that cannot be used again
	}
	if sockets, err := probe.OpenSockets(); err == nil {
		detail += "; reads large tables of sockets for lists"
		_ = sockets.Close()
	}
	if err == nil && !procfs.New("/proc").Native() {
		err = fmt.Errorf("%w: /proc is of another pid namespace", errors.ErrUnsupported)
	}
	remedy := asRoot + " (CAP_BPF and CAP_PERFMON)"
	if errors.Is(err, errors.ErrUnsupported) {
		remedy = "needs Linux 5.11 with CONFIG_DEBUG_INFO_BTF; without it the same answers take longer"
	}
	return ability(nameBPF, detail, err, remedy)
}

// destroyAbility asks whether a socket could be destroyed, without trying it.
func destroyAbility(ctx context.Context) Capability {
	const name, detail = "sock_destroy", "can end a socket at once"
	conn, err := inetdiag.Open()
	if err == nil {
		defer conn.Close()
		err = conn.MayDestroy(ctx)
	}
	kernel := procfs.Kernel{Config: "/proc/config.gz", Boot: "/boot", BTF: "/sys/kernel/btf", Release: firstLine("/proc/sys/kernel/osrelease")}
	has, known := kernel.Has(procfs.Feature{Option: "CONFIG_INET_DIAG_DESTROY", Function: "tcp_diag_destroy", Beside: "tcp_diag_dump", Module: "tcp_diag"})
	switch {
	case known && !has:
		return ability(name, detail, errors.ErrUnsupported, "needs a kernel with CONFIG_INET_DIAG_DESTROY")
	case err == nil && !known:
		return Capability{name, StatusUnknown, detail + ": nothing that could be read says whether the kernel was built with CONFIG_INET_DIAG_DESTROY", "closewait close asks it before it changes anything"}
	}
	return ability(name, detail, err, asRoot+" (CAP_NET_ADMIN)")
}
