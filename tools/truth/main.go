// Command truth holds the forecasts against the clock. It makes some hundred TCP connections in private network namespaces, takes the other end away in
// every way the forecast knows, looks at them at random moments through the product's own path (host.Look, Snapshot.Model, Model.Ends), waits for the real
// kernel to end them, and compares.
//
//	go run ./tools/truth           # three minutes
//	go run ./tools/truth -short    # twenty seconds
//	go run ./tools/truth -short -firm    # held only against what no load of the machine excuses, for CI
//	go run ./tools/truth -only 'no neighbour' -for 30s    # a part of the matrix
//
// Each moment is forecast three times from the same snapshot: "jiffies" as root sees it, "hz" with only the length of a jiffy known, and "nothing" as anybody
// sees it. These three are told the options of the socket (TCP_USER_TIMEOUT, keepalive), which sock_diag does not report; "blind" is the third without them. Per kind of scene and in total it prints:
//
//	n          forecasts that gave a moment and whose socket died without anything being changed in between
//	mean, p95, max   how far the moment was from the death, in milliseconds; of two moments given, the nearer counts (but for "jiffies": the first)
//	inside     share of deaths within the interval
//	also       share of answers with two moments
//	width      median width of the interval, in milliseconds
//	unknown    forecasts that gave no moment
//	late       misses that are explained: a firing was served a jiffy late, or the death came at the second moment
//	machine    misses beyond a bound that the machine explains: a firing was served more than a jiffy late, or (but for "jiffies", which sees the timer itself) the one before,
//	           or the count of jiffies was behind when the socket was read; where the kernel did not tell of the death, its timers were late by as much
//
// Where the network or the peer disturbs a socket (no route, no neighbour, a peer with a closed window that vanishes) forecasts made before that shows are in
// rows of their own, "no sign": nobody can know. They are no part of the totals that are held against the requirements; of "blind" the interval alone is, and a wrong "never".
//
// Single findings follow: a moment off by a whole time-out, a wrong "never" or "at", a wrong error. The exit code is 1 when a requirement is not met.
//
// Nothing outside the namespaces it makes is changed. As root it sees the kernel's clock; as anybody else (in a user namespace) it does without "jiffies".
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv marks the second self, which runs in a namespace of its own.
const insideEnv = "CLOSEWAIT_TRUTH_OUTSIDE"

func main() {
	short := flag.Bool("short", false, "only what dies within about 15 s")
	length := flag.Duration("for", 0, "length of the run; scenes that take longer are left out (default 3m20s, with -short 22s)")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random moments")
	firm := flag.Bool("firm", false, "require only what must hold on a machine that is held up, too: intervals, kinds and errors, not how near the best moment is")
	only := flag.String("only", "", "a regular expression: the namespaces to make, by their names; all without")
	verbose := flag.Bool("v", false, "print every finding, and every life")
	output := flag.String("o", "text", "text or json")
	flag.Parse()
	switch {
	case *length != 0:
	case *short:
		*length = 22 * time.Second
	default:
		*length = 200 * time.Second
	}
	wanted, err := regexp.Compile(*only)
	code := 0
	if err == nil {
		code, err = run(*length, *seed, wanted, *verbose, *output == "json", *firm)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "truth:", err)
		code = 2
	}
	os.Exit(code)
}

func run(length time.Duration, seed uint64, wanted *regexp.Regexp, verbose, asJSON, firm bool) (int, error) {
	outside := os.Getenv(insideEnv)
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return 0, err
	}
	if outside == "" || outside == here {
		return again(here)
	}
	// More than two threads at work would only take the processors away from what is measured.
	runtime.GOMAXPROCS(2)
	random := rand.New(rand.NewPCG(seed, 1))
	stage, err := setStage(length, wanted, random)
	if err != nil {
		return 0, err
	}
	stage.play()
	report := judge(stage, firm)
	report.Seed, report.Length = seed, length.String()
	if asJSON {
		return report.code(), report.writeJSON(os.Stdout)
	}
	report.write(os.Stdout, verbose)
	return report.code(), nil
}

// again starts this program in a network namespace of its own and returns its exit code.
func again(here string) (int, error) {
	runtime.LockOSThread() // the parent death signal comes when the thread ends
	hurry()
	inner := exec.Command("/proc/self/exe", os.Args[1:]...)
	inner.Env = append(os.Environ(), insideEnv+"="+here)
	inner.Stdin, inner.Stdout, inner.Stderr = os.Stdin, os.Stdout, os.Stderr
	inner.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		inner.SysProcAttr.Cloneflags |= unix.CLONE_NEWNS // for tracefs
	} else {
		inner.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		inner.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		inner.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	err := inner.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// hurry lets this thread, and the process it starts, come first, so that what others do on the machine does not delay the observation. It needs root, and
// little time is used.
func hurry() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -20)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0)
}
