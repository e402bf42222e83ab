package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
)

var rollbackPID = regexp.MustCompile(`\(pid (\d+)\)`)

// ended waits until the process that a note names has ended.
func (h *host) ended(note string) {
	h.t.Helper()
	m := rollbackPID.FindStringSubmatch(note)
	if m == nil {
		h.t.Fatalf("no process is named: %s", note)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + m[1] + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") { // nobody may be there to wait for it
			return
		}
		if time.Now().After(end) {
			h.t.Fatalf("process %s is still there", m[1])
		}
	}
}

// TestConfirmWithin: what takes a change back outlives the program that has made it, and its session; a confirmation keeps the change.
func TestConfirmWithin(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	note := h.run(0, "tune", "tcp_retries2=9", "--yes", "--confirm-within", "1s")
	if !strings.Contains(note, "is taken back at") {
		t.Errorf("it does not say how: %s", note)
	}
	h.ended(note)
	if got := h.get(retries2); got != "15" {
		t.Errorf("not confirmed, and it is %s", got)
	}
	if out := h.run(0, "changes"); !strings.Contains(out, "\tundone\t") {
		t.Errorf("the journal: %s", out)
	}
	note = h.run(0, "tune", "tcp_retries2=9", "--yes", "--confirm-within", "6s") // long enough for a busy machine
	h.run(0, "confirm")
	h.ended(note)
	if got := h.get(retries2); got != "9" {
		t.Errorf("confirmed, and it is %s", got)
	}
	h.run(0, "undo", "--yes")
}

// TestClose_twoAtOnce: two programs that are to destroy the same sockets at the same moment never both say that they have.
func TestClose_twoAtOnce(t *testing.T) {
	nstest.Require(t)
	ns := nstest.New(t)
	const n = 60
	var made []nstest.Expected
	ns.Do(func() { made = nstest.ManyCloseWait(t, n) })
	type answer struct {
		doc  *changeJSON
		code int
	}
	answers := make(chan answer)
	for range 2 {
		state := t.TempDir() // a journal each: the lock of a shared one would let only one of them in
		go func() {
			doc, _, code := changingIn(t, state, "close", "state close-wait", "--how=destroy", "--netns", ns.Path(), allRisks, "--yes")
			answers <- answer{doc, code}
		}()
	}
	done := 0
	for range 2 {
		a := <-answers
		if a.code != 0 && a.code != 4 { // 4: the other one was so quick that nothing matched
			t.Errorf("exit %d", a.code)
		}
		if a.doc == nil {
			continue
		}
		for i := range a.doc.Steps {
			switch *a.doc.Steps[i].Status {
			case "done":
				done++
			case "gone":
			default:
				t.Errorf("%+v", a.doc.Steps[i])
			}
		}
	}
	if done != n {
		t.Errorf("%d sockets were destroyed by one or the other, of %d", done, n)
	}
	if left := look(t, ns).states; len(left) > 0 && left[made[0].Tuple()] == tcp.CloseWait {
		t.Error("a socket is left")
	}
	for i := range made {
		if _, err := unix.FcntlInt(uintptr(made[i].FD), unix.F_GETFD, 0); err != nil {
			t.Fatal(err)
		}
	}
}
