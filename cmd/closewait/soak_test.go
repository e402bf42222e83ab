package main

import (
	"encoding/json"
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
// destroyed that was not planned, and nothing is left behind in this process, in which the verbs run. CLOSEWAIT_SOAK is how long, 3s without.
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
	s := soak{t: t, ns: ns.Path(), planned: map[string]bool{}, owner: map[string]int{}}
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
	before := s.footprint()
	stop, spaces := make(chan struct{}), make(chan int)
	go func() { spaces <- comeAndGo(stop) }()
	for begin := time.Now(); time.Since(begin) < long && !t.Failed(); {
		s.round()
	}
	close(stop)
	come := <-spaces
	after := s.footprint()
	churned := s.judge()
	t.Logf("%d rounds, %d holders named, %d sockets destroyed; %d connections replaced, %d namespaces with a process came and went; before %+v, after %+v", s.rounds, s.named, len(s.planned), churned, come, before, after)
	if after.descriptors > before.descriptors || after.goroutines > before.goroutines+2 {
		t.Errorf("left behind: before %+v, after %+v", before, after)
	}
	if s.named == 0 || churned == 0 || come == 0 || len(s.planned) == 0 {
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
	planned       map[string]bool // cookies that were to be destroyed
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
}

// holders wants nobody to be named but the program whose address it is; both ends of a connection are its own.
func (s *soak) holders(socket *socketJSON) {
	address := socket.Local.Address[:strings.LastIndex(socket.Local.Address, ".")] + ".1"
	for _, h := range socket.Holders {
		if s.named++; h.PID != s.owner[address] {
			s.t.Errorf("%s of %s is said to be held by %d, and belongs to %d", socket.Cookie, socket.Local.Address, h.PID, s.owner[address])
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
