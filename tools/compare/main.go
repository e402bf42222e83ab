// Command compare measures closewait beside ss(8) and beside the floor: the bare dump of the socket table with tcp_info, and the bare walk over all
// descriptors, in /proc and by a BPF iterator, all without looking at what they read.
//
// It builds a load of CLOSE_WAIT sockets in a network namespace of its own, runs the commands in turn, several times, and prints the median CPU
// time (user and system) of each and the ratios that docs/performance.md speaks of. It needs root and ss.
//
//	go run ./tools/compare -sockets 19000 -namespaces 300 -runs 9
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
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
	only := flag.String("only", "", "a regular expression: which commands to compare, of their names")
	sizes := flag.String("scale", "", "numbers of sockets, with commas: compare at each and say how the cost grows")
	flag.Parse()
	_, err := regexp.Compile(*only)
	if err == nil {
		err = os.Setenv("COMPARE_ONLY", *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare: -only:", err)
		os.Exit(2)
	}
	if *sizes != "" {
		err = scale(*sizes, *namespaces, *runs)
	} else {
		_, err = compare(*sockets, *processes, *namespaces, *runs)
	}
	if err != nil {
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
	case "dump+iterator":
		if err = bareDump(); err == nil {
			err = bareIterator()
		}
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

func compare(sockets, processes, namespaces, runs int) (medians, error) {
	if processes < 1 || processes > 255 || runs < 1 {
		return nil, fmt.Errorf("-processes must be from 1 to 255, -runs at least 1")
	}
	for i := range namespaces {
		name := fmt.Sprintf("compare-%d-%d", os.Getpid(), i)
		if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("add namespace: %w: %s", err, out)
		}
		defer exec.Command("ip", "netns", "del", name).Run()
	}
	cmd := self("inside", "COMPARE_SOCKETS="+strconv.Itoa(sockets), "COMPARE_PROCESSES="+strconv.Itoa(processes), "COMPARE_RUNS="+strconv.Itoa(runs))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	cmd.Stdout = os.Stdout
	fmt.Printf("%d CLOSE_WAIT sockets in %d processes, %d empty namespaces, %d runs of each command in turn\n", sockets, processes, namespaces, runs)
	back, child, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer back.Close()
	cmd.ExtraFiles = []*os.File{child}
	err = cmd.Start()
	child.Close()
	if err != nil {
		return nil, err
	}
	found := medians{}
	told := json.NewDecoder(back).Decode(&found)
	return found, errors.Join(cmd.Wait(), told)
}

func self(mode string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), "COMPARE_MODE="+mode), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// inside runs in the namespace of the load.
func inside(sockets, processes, runs int) error {
	ready := make([]func() error, processes)
	for i := range processes {
		part := (sockets + i) / processes // the parts add up to sockets
		release, await, err := holder(part, i)
		if err != nil {
			return err
		}
		defer release()
		ready[i] = await
	}
	for _, await := range ready {
		if err := await(); err != nil {
			return fmt.Errorf("wait for the load: %w", err)
		}
	}
	binary, cleanup, err := build()
	if err != nil {
		return err
	}
	defer cleanup()
	return measure(binary, sockets, runs)
}

// holder starts a process that comes to hold that many sockets; await waits until it does.
func holder(sockets, index int) (release func(), await func() error, err error) {
	cmd := self("hold", "COMPARE_SOCKETS="+strconv.Itoa(sockets), "COMPARE_INDEX="+strconv.Itoa(index))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	release = func() {
		stdin.Close() // it ends at the end of its input
		cmd.Wait()
	}
	await = func() error {
		_, err := stdout.Read(make([]byte, 16))
		return err
	}
	return release, await, nil
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
