package nstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/stage"
)

// holdEnv makes the test binary hold as many CLOSE_WAIT sockets as its value says, instead of running tests.
const holdEnv = "CLOSEWAIT_NSTEST_HOLD"

// Holder is another process that holds CLOSE_WAIT sockets in the namespace of the thread that started it.
type Holder struct {
	PID int
	// Sockets are the sockets it holds; FD is the number of the descriptor in the holder.
	Sockets []Expected

	t     testing.TB
	cmd   *exec.Cmd
	stdin io.Closer
}

// StartHolder starts a process (this test binary, see Main) that holds n CLOSE_WAIT sockets with an unread FIN, and waits until it has them. It ends with the test, and also
// when this process dies.
func StartHolder(t testing.TB, n int) *Holder {
	t.Helper()
	Require(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := &Holder{t: t, cmd: exec.Command(exe)}
	h.cmd.Env = append(os.Environ(), holdEnv+"="+strconv.Itoa(n))
	h.cmd.Stderr = os.Stderr
	// Its standard input tells the holder to go on. No parent death signal: that would come when this thread ends, with the Do it may be in.
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.PID = h.cmd.Process.Pid
	t.Cleanup(h.Stop)
	if err := h.report(stdout); err != nil {
		t.Fatalf("holder of %d sockets: %v", n, err)
	}
	return h
}

// report reads what the holder has to say when it is ready.
func (h *Holder) report(stdout io.Reader) error {
	late := time.AfterFunc(10*stage.Patience, func() { _ = h.cmd.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("it ended before it was ready: %w", err)
	}
	return json.Unmarshal(line, &h.Sockets)
}

// Stop ends the holder, which closes its sockets, and waits for its end. It may be called again.
func (h *Holder) Stop() {
	if h.cmd.ProcessState != nil {
		return
	}
	_ = h.stdin.Close()
	late := time.AfterFunc(stage.Patience, func() { _ = h.cmd.Process.Kill() })
	err := h.cmd.Wait()
	late.Stop()
	if err != nil {
		h.t.Errorf("holder %d: %v", h.PID, err)
	}
}

// hold is the holder's program; it returns the exit code.
func hold(count string) int {
	n, err := strconv.Atoi(count)
	if err == nil {
		err = holdSockets(n, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "nstest: holder:", err)
		return 1
	}
	return 0
}

// holdSockets reports the sockets in one line of JSON and keeps them until the input ends.
func holdSockets(n int, in io.Reader, out io.Writer) error {
	raiseFDLimit()
	held, err := manyCloseWait(n)
	if err == nil {
		err = json.NewEncoder(out).Encode(held)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	for _, e := range held {
		stage.Socket(e.FD).Abort()
	}
	return err
}
