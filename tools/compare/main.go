// Command compare measures closewait beside ss(8) and beside the floor: the bare dump of the socket table with tcp_info, and the bare walk over all
// descriptors, both without looking at what they read.
//
// It builds a load of CLOSE_WAIT sockets in a network namespace of its own, runs the commands in turn, several times, and prints the median CPU
// time (user and system) of each and the ratios that docs/performance.md speaks of. It needs root and ss.
//
//	go run ./tools/compare -sockets 19000 -namespaces 300 -runs 9
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if mode := os.Getenv("COMPARE_MODE"); mode != "" {
		child(mode)
		return
	}
	sockets := flag.Int("sockets", 19000, "CLOSE_WAIT sockets")
	processes := flag.Int("processes", 1, "processes that hold them, each an equal part")
	namespaces := flag.Int("namespaces", 0, "empty network namespaces beside them")
	runs := flag.Int("runs", 9, "runs of each command")
	flag.Parse()
	if err := compare(*sockets, *processes, *namespaces, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// child is what this program does when it calls itself.
func child(mode string) {
	var err error
	switch mode {
	case "hold":
		err = hold(number("COMPARE_SOCKETS"), byte(number("COMPARE_INDEX")))
	case "inside":
		err = inside(number("COMPARE_SOCKETS"), number("COMPARE_PROCESSES"), number("COMPARE_RUNS"))
	case "dump":
		err = bareDump()
	case "walk":
		err = bareWalk()
	case "dump+walk":
		if err = bareDump(); err == nil {
			err = bareWalk()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", mode, err)
		os.Exit(1)
	}
}

// number reads what the parent wrote with strconv.Itoa.
func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

func compare(sockets, processes, namespaces, runs int) error {
	if processes < 1 || processes > 255 || runs < 1 {
		return fmt.Errorf("-processes must be from 1 to 255, -runs at least 1")
	}
	for i := range namespaces {
		name := fmt.Sprintf("compare-%d-%d", os.Getpid(), i)
		if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
			return fmt.Errorf("add namespace: %w: %s", err, out)
		}
		defer exec.Command("ip", "netns", "del", name).Run()
	}
	cmd := self("inside", "COMPARE_SOCKETS="+strconv.Itoa(sockets), "COMPARE_PROCESSES="+strconv.Itoa(processes), "COMPARE_RUNS="+strconv.Itoa(runs))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	cmd.Stdout = os.Stdout
	fmt.Printf("%d CLOSE_WAIT sockets in %d processes, %d empty namespaces, %d runs of each command in turn\n", sockets, processes, namespaces, runs)
	return cmd.Run()
}

func self(mode string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), "COMPARE_MODE="+mode), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// inside runs in the namespace of the load.
func inside(sockets, processes, runs int) error {
	for i := range processes {
		part := (sockets + i) / processes // the parts add up to sockets
		release, err := holder(part, i)
		if err != nil {
			return err
		}
		defer release()
	}
	binary, cleanup, err := build()
	if err != nil {
		return err
	}
	defer cleanup()
	return measure(binary, runs)
}

// holder starts a process that holds that many sockets and waits until it does.
func holder(sockets, index int) (release func(), err error) {
	cmd := self("hold", "COMPARE_SOCKETS="+strconv.Itoa(sockets), "COMPARE_INDEX="+strconv.Itoa(index))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	release = func() {
		stdin.Close() // it ends at the end of its input
		cmd.Wait()
	}
	if _, err := stdout.Read(make([]byte, 16)); err != nil {
		release()
		return nil, fmt.Errorf("wait for the load: %w", err)
	}
	return release, nil
}

func build() (binary string, cleanup func(), err error) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return "", nil, err
	}
	binary = filepath.Join(dir, "closewait")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/closewait")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return binary, func() { os.RemoveAll(dir) }, cmd.Run()
}

// subject is one command of the comparison.
type subject struct {
	name string
	make func() *exec.Cmd
	cpu  []time.Duration
}

func measure(binary string, runs int) error {
	program := func(name string, args ...string) func() *exec.Cmd {
		return func() *exec.Cmd { return exec.Command(name, args...) }
	}
	here := strconv.Itoa(os.Getpid()) // the floor and ss read one namespace as well
	subjects := []*subject{
		{name: "bare dump", make: func() *exec.Cmd { return self("dump") }},
		{name: "bare dump + walk", make: func() *exec.Cmd { return self("dump+walk") }},
		{name: "closewait --help", make: program(binary, "--help")},
		{name: "closewait ls", make: program(binary, "ls", "--netns", here)},
		{name: "closewait ls -p", make: program(binary, "ls", "-p", "--netns", here)},
		{name: "closewait", make: program(binary, "--netns", here)},
		{name: "closewait ls, all namespaces", make: program(binary, "ls")},
		{name: "closewait, all namespaces", make: program(binary)},
		{name: "ss -tan", make: program("ss", "-tan")},
		{name: "ss -tanoie", make: program("ss", "-tanoie")},
		{name: "ss -tnop", make: program("ss", "-tnop")},
	}
	for run := range runs + 1 { // the first is not counted
		for _, s := range subjects {
			cmd := s.make()
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if run > 0 {
				s.cpu = append(s.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
			}
		}
	}
	report(subjects)
	return nil
}

func report(subjects []*subject) {
	medians := map[string]time.Duration{}
	for _, s := range subjects {
		slices.Sort(s.cpu)
		medians[s.name] = s.cpu[len(s.cpu)/2]
		fmt.Printf("%-32s %9.1f ms  (%.1f-%.1f)\n", s.name, ms(medians[s.name]), ms(s.cpu[0]), ms(s.cpu[len(s.cpu)-1]))
	}
	for _, pair := range [][2]string{
		{"closewait ls", "bare dump"}, {"closewait ls -p", "bare dump + walk"}, {"closewait ls -p", "ss -tnop"},
		{"closewait", "bare dump + walk"}, {"closewait, all namespaces", "bare dump + walk"}, {"bare dump + walk", "ss -tnop"},
	} {
		fmt.Printf("%-30s / %-18s %.2f\n", pair[0], pair[1], float64(medians[pair[0]])/float64(medians[pair[1]]))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
