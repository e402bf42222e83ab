package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/nstest"
)

// TestSoak runs verbs again and again while connections are replaced on their addresses, namespaces come and go and processes start and end: nobody is called the holder of a socket who is not, nothing is
// destroyed or limited that was not planned, nothing is left behind in this process, in which the verbs run, and the memory of a program that repeats its look, and of those that begin anew, stays
// what it was. CLOSEWAIT_SOAK is how long, 3s without.
func TestSoak(t *testing.T) {
	nstest.Require(t)
	long := 3 * time.Second
	if text := os.Getenv("CLOSEWAIT_SOAK"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	ns := nstest.New(t)
	s := soak{t: t, ns: ns.Path(), outside: outside(ns), root: t.TempDir(), planned: map[string]bool{}, owner: map[string]int{}, limited: map[string]string{}, outlived: map[string]string{}}
	ns.Do(func() {
		for i := range 3 {
			p := startChurn(t, i, 200)
			s.programs = append(s.programs, p)
			s.owner["127.2."+string(rune('0'+i))+".1"] = p.cmd.Process.Pid
		}
	})
	for _, p := range s.programs {
		if line, err := p.out.ReadString('\n'); line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := p.in.Write([]byte{'\n'}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // what is made once, is made
		s.round()
	}
	watcher := s.watcher()
	before := s.footprint()
	stop, spaces := make(chan struct{}), make(chan int)
	go func() { spaces <- comeAndGo(stop) }()
	tried := func() bool { return s.named > 0 && len(s.planned) > 0 && len(s.limited) > 0 }
	for begin := time.Now(); (time.Since(begin) < long || !tried() && time.Since(begin) < long+time.Minute) && !t.Failed(); {
		s.round()
		s.sample(watcher)
	}
	close(stop)
	come := <-spaces
	after := s.footprint()
	churned := s.judge()
	for cookie, said := range s.outlived {
		t.Errorf("%s is said to be held by %s", cookie, said)
	}
	t.Logf("%d rounds, %d holders named (%d of them others than the owner), %d sockets destroyed, %d limited; %d connections replaced, %d namespaces with a process came and went; before %+v, after %+v",
		s.rounds, s.named, s.asked, len(s.planned), len(s.limited), churned, come, before, after)
	steady(t, "repeats its look", s.watched)
	steady(t, "looks once", s.anew)
	if after.descriptors > before.descriptors || after.goroutines > before.goroutines+2 {
		t.Errorf("left behind: before %+v, after %+v", before, after)
	}
	if s.asked > s.named/1000+5 {
		t.Errorf("%d holders were named that are not the owner", s.asked)
	}
	if !tried() || churned == 0 || come == 0 {
		t.Error("nothing was tried")
	}
}

// comeAndGo makes network namespaces with a process that ends at once, and counts them.
func comeAndGo(stop <-chan struct{}) (n int) {
	for {
		select {
		case <-stop:
			return n
		default:
		}
		if exec.Command("unshare", "-n", "true").Run() == nil {
			n++
		}
	}
}

type soak struct {
	t             *testing.T
	ns            string
	programs      []*churned
	owner         map[string]int // pid by address
	rounds, named int
	asked         int // of these, others than the owner
	// outlived are the sockets that only somebody else was said to hold, by cookie.
	outlived map[string]string
	planned  map[string]bool // cookies that were to be destroyed
	// limited says of the cookies that were to be limited what became of it.
	limited map[string]string
	// outside is the namespace for processes of their own, root where their files are.
	outside, root string
	// watched and anew are what a program takes that goes on, and those that begin anew.
	watched, anew []vitals
}

// vitals are what a process takes.
type vitals struct{ kilobytes, descriptors, threads int }

func (s *soak) program(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append(args, "--netns", s.outside)...)
	cmd.Env = append(os.Environ(), rootEnv+"="+s.root)
	return cmd
}

// watcher starts the program that repeats its look.
func (s *soak) watcher() (pid int) {
	s.t.Helper()
	cmd := s.program("status", "-o", "ndjson", "-w=200ms")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// sample looks at what programs take.
func (s *soak) sample(watcher int) {
	s.t.Helper()
	watched := vitalsOf(watcher, "VmRSS")
	if watched.kilobytes == 0 {
		s.t.Fatal("the program that repeats its look has ended")
	}
	s.watched = append(s.watched, watched)
	once := s.program("ls", "-p", "-o", "json")
	if err := once.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- once.Wait() }()
	var v vitals
	for {
		select {
		case err := <-ended:
			if err != nil {
				s.t.Fatal(err)
			}
			s.anew = append(s.anew, v)
			return
		case <-time.After(time.Millisecond):
			now := vitalsOf(once.Process.Pid, "VmHWM") // what wait4(2) tells begins with the memory of who started it
			v = vitals{max(v.kilobytes, now.kilobytes), max(v.descriptors, now.descriptors), max(v.threads, now.threads)}
		}
	}
}

// vitalsOf reads what a process takes, zeros once it has ended.
func vitalsOf(pid int, memory string) (v vitals) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	status, _ := os.ReadFile(dir + "status")
	entries, _ := os.ReadDir(dir + "fd")
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, memory+": %d", &v.kilobytes)
		_, _ = fmt.Sscanf(line, "Threads: %d", &v.threads)
	}
	v.descriptors = len(entries)
	return v
}

// steady wants the last third to take no more than the one before: the first is left for what is made once.
func steady(t *testing.T, what string, list []vitals) {
	t.Helper()
	most := func(part []vitals) (m vitals) {
		for _, v := range part {
			m = vitals{max(m.kilobytes, v.kilobytes), max(m.descriptors, v.descriptors), max(m.threads, v.threads)}
		}
		return m
	}
	n := len(list)
	first, second, last := most(list[:n/3]), most(list[n/3:2*n/3]), most(list[2*n/3:])
	t.Logf("a program that %s: at most %+v, then %+v, then %+v, in thirds of %d samples", what, first, second, last, n)
	if n < 6 {
		return // a short run shows nothing
	}
	// A garbage collector lets the memory swing, and so does the number of sockets; threads come when calls take long.
	if last.kilobytes > second.kilobytes*5/4+8<<10 || last.descriptors > second.descriptors+8 || last.threads > second.threads+8 {
		t.Errorf("a program that %s takes more and more", what)
	}
}

func (s *soak) round() {
	s.t.Helper()
	s.rounds++
	for _, args := range [][]string{{"ls", "-p", "-o", "json", "--netns", s.ns}, {"ls", "-p", "--no-bpf", "-o", "json", "--netns", s.ns}} {
		out, notes, code := closewait(s.t, args...)
		var list struct{ Sockets []socketJSON }
		if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 {
			s.t.Fatalf("%v: exit %d, %v, %s", args, code, err, notes)
		}
		for i := range list.Sockets {
			s.holders(&list.Sockets[i])
		}
	}
	if _, notes, code := closewait(s.t, "status", "-o", "json"); code != 0 {
		s.t.Fatalf("status: exit %d, %s", code, notes)
	}
	result, notes, code := changing(s.t, "close", "state close-wait and sport = :7001 and dport < :10020", "--how=destroy", "--netns", s.ns, allRisks, "--yes", "--max", "100")
	switch {
	case code != 0 && code != 4 && code != 5, result == nil && code != 4:
		s.t.Fatalf("close: exit %d, %s", code, notes)
	case result != nil:
		for i := range result.Steps {
			s.planned[result.Steps[i].Detail.Cookie] = true
		}
	}
	s.limitSome()
}

// limitSome limits connections that are in use, and notes which.
func (s *soak) limitSome() {
	s.t.Helper()
	result, notes, code := changing(s.t, "limit", "77s", "state established and sport = :7001 and dport >= :10100", "--netns", s.ns, allRisks, "--yes", "--max", "1000")
	switch {
	case code != 0 && code != 4 && code != 5, result == nil && code != 4:
		s.t.Fatalf("limit: exit %d, %s", code, notes)
	case result != nil:
		for i := range result.Steps {
			status := "not made"
			if said := result.Steps[i].Status; said != nil {
				status = *said
			}
			s.limited[result.Steps[i].Detail.Cookie] = status
		}
	}
}

// holders wants nobody to be named but the program whose address it is, as both ends of a connection are its own. Beside it somebody may have a duplicate for the moment of a question
// (pidfd_getfd): the program that repeats its look, or another closewait of this host. Where its program ends a connection in that very moment, the duplicate is all that is left of it: judge wants
// that it did.
func (s *soak) holders(socket *socketJSON) {
	owner, named := s.owner[socket.Local.Address[:strings.LastIndex(socket.Local.Address, ".")]+".1"], false
	for _, h := range socket.Holders {
		named = named || h.PID == owner
	}
	for _, h := range socket.Holders {
		if s.named++; h.PID == owner {
			continue
		}
		if s.asked++; !named {
			s.outlived[socket.Cookie] = fmt.Sprintf("%d (%s), and belonged to %d", h.PID, h.Comm, owner)
		}
	}
}

// judge asks the programs what became of their connections.
func (s *soak) judge() (churned int) {
	destroyed := 0
	for _, p := range s.programs {
		_ = p.in.Close()
		for dec := json.NewDecoder(p.out); ; {
			var one told
			if err := dec.Decode(&one); err == io.EOF {
				break
			} else if err != nil {
				s.t.Fatal(err)
			}
			s.judgeLimit(&one)
			if one.Fate == fateAborted {
				delete(s.outlived, one.Cookie)
			}
			switch {
			case one.Fate == fateAborted:
				churned++
			case one.Fate == fateDestroyed && !s.planned[one.Cookie], one.Fate == fateBroken:
				s.t.Errorf("%+v was not planned", one)
			case one.Fate == fateDestroyed:
				destroyed++
			}
		}
	}
	if destroyed == 0 {
		s.t.Error("nothing was destroyed")
	}
	return churned
}

// judgeLimit wants a limit where one was planned and nowhere else, and where it is called done it has to be there, unless the program ended the connection at that very moment.
func (s *soak) judgeLimit(one *told) {
	status, planned := s.limited[one.Cookie]
	switch {
	case one.Stray != 0, one.Limited != 0 && !planned, one.Limited != 0 && one.Limited != 77_000:
		s.t.Errorf("%+v has a limit that nobody planned", one)
	case status == "done" && one.Limited == 0 && one.Fate != fateAborted:
		s.t.Errorf("%+v has no limit, and is said to", one)
	}
}

// footprint is what this process has. Its heap tells nothing: cobra keeps the completion functions of every command ever made, and by them the output.
type footprint struct{ descriptors, goroutines int }

func (s *soak) footprint() footprint {
	s.t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	return footprint{len(entries), runtime.NumGoroutine()}
}
