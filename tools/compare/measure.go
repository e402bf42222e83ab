package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// subject is one command of the comparison.
type subject struct {
	name string
	make func() *exec.Cmd
	// slow commands run once where there are many sockets, and not at all where there are more than ss can be waited for.
	slow   bool
	cpu    []time.Duration
	memory int64 // the most it had resident, KiB
}

// manySockets is the number from which on slow commands run once.
const manySockets = 50_000

// tooMany is the number from which on they do not run: the time of ss -p grows with its square.
const tooMany = 500_000

func subjects(binary string) []*subject {
	program := func(name string, args ...string) func() *exec.Cmd {
		return func() *exec.Cmd { return exec.Command(name, args...) }
	}
	here := strconv.Itoa(os.Getpid()) // the floor and ss read one namespace as well
	return []*subject{
		{name: "bare dump", make: func() *exec.Cmd { return self("dump") }},
		{name: "bare dump + walk", make: func() *exec.Cmd { return self("dump+walk") }},
		{name: "bare dump + iterator", make: func() *exec.Cmd { return self("dump+iterator") }},
		{name: "closewait --help", make: program(binary, "--help")},
		{name: "closewait ls", make: program(binary, "ls", "--netns", here)},
		{name: "closewait ls -p", make: program(binary, "ls", "-p", "--netns", here)},
		{name: "closewait ls -p --no-bpf", make: program(binary, "ls", "-p", "--no-bpf", "--netns", here)},
		{name: "closewait", make: program(binary, "--netns", here)},
		{name: "closewait --no-bpf", make: program(binary, "--no-bpf", "--netns", here)},
		{name: "closewait ls, all namespaces", make: program(binary, "ls")},
		{name: "closewait, all namespaces", make: program(binary)},
		{name: "ss -tan", make: program("ss", "-tan")},
		{name: "ss -tanoie", make: program("ss", "-tanoie")},
		{name: "ss -tnop", make: program("ss", "-tnop"), slow: true},
	}
}

// judged is the age from which the screen has something to say of a socket, and so something to do.
const judged = 7 * time.Second

func measure(binary string, sockets, runs int) error {
	only, err := regexp.Compile(os.Getenv("COMPARE_ONLY"))
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(subjects(binary), func(s *subject) bool { return !only.MatchString(s.name) })
	time.Sleep(judged)
	for run := range runs + 1 { // the first is not counted
		for _, s := range all {
			if s.slow && (sockets > manySockets && run != 1 || sockets >= tooMany) {
				continue
			}
			cmd := s.make()
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if run > 0 {
				s.cpu = append(s.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
				if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					s.memory = max(s.memory, int64(usage.Maxrss)) //nolint:unconvert // 32 bits wide on 386
				}
			}
		}
	}
	return report(all, sockets)
}

// medians are the results of one size, by command.
type medians map[string]time.Duration

// results is the descriptor by which a child tells its parent its medians.
const results = 3

func report(all []*subject, sockets int) error {
	found := medians{}
	for _, s := range all {
		if len(s.cpu) == 0 {
			continue
		}
		slices.Sort(s.cpu)
		found[s.name] = s.cpu[len(s.cpu)/2]
		fmt.Printf("%-32s %9.1f ms  (%.1f-%.1f)  %6.1f MB, %d bytes a socket\n", s.name, ms(found[s.name]), ms(s.cpu[0]), ms(s.cpu[len(s.cpu)-1]),
			float64(s.memory)/1024, s.memory*1024/int64(max(sockets, 1)))
	}
	for _, pair := range [][2]string{
		{"closewait ls", "bare dump"}, {"closewait ls -p", "bare dump + walk"}, {"closewait ls -p", "bare dump + iterator"}, {"closewait ls -p", "ss -tnop"},
		{"closewait", "bare dump + walk"}, {"closewait --no-bpf", "bare dump + walk"}, {"closewait, all namespaces", "bare dump + walk"}, {"closewait", "bare dump + iterator"}, {"bare dump + walk", "ss -tnop"},
	} {
		if found[pair[0]] == 0 || found[pair[1]] == 0 {
			continue
		}
		fmt.Printf("%-30s / %-18s %.2f\n", pair[0], pair[1], float64(found[pair[0]])/float64(found[pair[1]]))
	}
	return json.NewEncoder(os.NewFile(results, "results")).Encode(found)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
