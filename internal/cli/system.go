package cli

import (
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/closewait/closewait/internal/report"
)

// System returns the configuration of a real process: its streams, environment and clock. What looks at the host is wired in here.
func System() Config {
	return Config{
		Streams: Streams{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Size: terminalSize,
			InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
			OutTerminal: term.IsTerminal(int(os.Stdout.Fd())), ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		},
		Env:          os.Getenv,
		Now:          time.Now,
		Host:         thisHost,
		Look:         liveLook(time.Now),
		Capabilities: abilities,
		Acting:       systemActing(),
		States:       func() []string { return stateDirs(os.Geteuid(), os.Getenv) },
		FilterHelp:   filterHelp,
	}
}

// terminalSize asks the terminal behind stdout, or behind stderr when stdout is something else.
func terminalSize() (width, height int) {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w, h
		}
	}
	return 0, 0
}

// thisHost names the host without a look at its sockets. What cannot be read stays unknown.
func thisHost() report.Host {
	name, _ := os.Hostname()
	h := report.Host{Name: name, Kernel: firstLine("/proc/sys/kernel/osrelease")}
	if id := firstLine("/proc/sys/kernel/random/boot_id"); id != "" {
		h.BootID = &id
	}
	return h
}

func firstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}
