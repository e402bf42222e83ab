package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
)

// churnMode is the argument that makes the test binary hold CLOSE_WAIT sockets, and let others take their places and addresses until its standard input ends.
const churnMode = "churn"

// The fates of a connection, as its own program knows them.
const (
	fateDestroyed = "destroyed" // ended by somebody else: its error is that of tcp_abort
	fateReset     = "reset"     // ended by the network
	fateAborted   = "aborted"   // ended by its program, which had seen it alive just before
	fateAlive     = "alive"     // there, and it carries bytes where it should
	fateBroken    = "broken"    // there, and it does not
)

// told is what a program says of one of its connections in the end.
type told struct {
	Cookie string
	Echo   bool // established and used by both ends, not in CLOSE_WAIT
	Fate   string
	// Limited is TCP_USER_TIMEOUT of the end that a limit may be meant for, in milliseconds, Stray that of the other end.
	Limited, Stray int
}

// place is a 4-tuple that one connection after the other has.
type place struct {
	port           uint16
	server, client stage.Socket // client -1: it has closed its end
	cookie         string
}

// churner holds connections to one listener.
type churner struct {
	listener stage.Socket
	at, from netip.Addr
	places   []place
	past     []told
}

const noSocket stage.Socket = -1

// churn is the program. It says "ready" when its sockets are there, and what became of each of its connections in the end.
func churn() error {
	index, errIndex := strconv.Atoi(os.Getenv("CHURN_INDEX"))
	n, err := strconv.Atoi(os.Getenv("CHURN_SOCKETS"))
	if err != nil || errIndex != nil {
		return fmt.Errorf("%w, %w", err, errIndex)
	}
	c := churner{at: netip.AddrFrom4([4]byte{127, 2, byte(index), 1}), from: netip.AddrFrom4([4]byte{127, 2, byte(index), 2})}
	if c.listener, err = stage.Listen(stage.IPv4, netip.AddrPortFrom(c.at, 7001), 64); err != nil {
		return err
	}
	for i := range n {
		p := place{port: uint16(10_000 + i), server: noSocket, client: noSocket}
		if err := c.fill(&p, false); err != nil {
			return fmt.Errorf("connection %d of %d: %w", i, n, err)
		}
		c.places = append(c.places, p)
	}
	fmt.Println("ready")
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // until it may begin
		return err
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	pace := time.NewTicker(time.Millisecond) // so that something is left of the processors for the others
	defer pace.Stop()
	// Two of five places are taken over, again and again, mostly by connections that are in use.
	for round := 0; ; round++ {
		select {
		case <-stop:
			return c.tell()
		case <-pace.C:
		}
		p := &c.places[round%len(c.places)/5*5+round%2]
		one := p.told()
		one.Fate = c.abort(p)
		c.past = append(c.past, one)
		if err := c.fill(p, round%4 != 0); err != nil {
			return err
		}
	}
}

// fill makes a connection with the addresses of a place: in use by both ends, or closed by the client.
func (c *churner) fill(p *place, echo bool) error {
	client, err := stage.Open(stage.IPv4)
	if err != nil {
		return err
	}
	if err = client.Set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
		err = client.Bind(netip.AddrPortFrom(c.from, p.port))
	}
	for try := 0; err == nil; try++ { // what was there before may need a moment to go
		if err = client.Connect(netip.AddrPortFrom(c.at, 7001)); err == nil || try == 10_000 {
			break
		}
		err = nil
	}
	if err != nil {
		client.Close()
		return fmt.Errorf("client port %d: %w", p.port, err)
	}
	if p.server, err = c.listener.Accept(); err != nil {
		return err
	}
	cookie, err := unix.GetsockoptUint64(int(p.server), unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		return err
	}
	p.cookie, p.client = tcp.Cookie(cookie).String(), client
	if echo {
		return nil
	}
	client.Close()
	p.client = noSocket
	return p.server.Wait(unix.POLLRDHUP)
}

// abort ends the connection of a place, and says whether it was there until then.
func (c *churner) abort(p *place) (fate string) {
	if fate = over(p.server); fate == "" {
		fate = fateAborted
	}
	if p.client != noSocket {
		p.client.Abort()
	}
	p.server.Abort()
	p.server, p.client = noSocket, noSocket
	return fate
}

// tell says what became of all connections.
func (c *churner) tell() error {
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	for i := range c.places {
		p := &c.places[i]
		one := p.told()
		one.Fate = p.fate()
		c.past = append(c.past, one)
	}
	for i := range c.past {
		if err := enc.Encode(c.past[i]); err != nil {
			return err
		}
	}
	return out.Flush()
}

// told is what there is to say of a connection, but for its fate.
func (p *place) told() told {
	one := told{Cookie: p.cookie, Echo: p.client != noSocket, Limited: limit(p.server)}
	if one.Echo {
		one.Stray = limit(p.client)
	}
	return one
}

// limit is TCP_USER_TIMEOUT in milliseconds, -1 when it cannot be read.
func limit(s stage.Socket) int {
	ms, err := unix.GetsockoptInt(int(s), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	if err != nil {
		return -1
	}
	return ms
}

// fate is what has become of a connection that its program has not touched.
func (p *place) fate() string {
	state, _ := p.server.State()
	switch over := over(p.server); {
	case over != "":
		return over
	case p.client == noSocket && state == tcp.CloseWait, p.client != noSocket && carries(p.client, p.server) && carries(p.server, p.client):
		return fateAlive
	}
	return fateBroken
}

// over says what has ended a connection, "" when nothing has.
func over(s stage.Socket) string {
	switch state, err := s.State(); {
	case err == nil && state != tcp.Closed:
		return ""
	case errors.Is(s.Error(), unix.ECONNABORTED):
		return fateDestroyed
	}
	return fateReset
}

func carries(from, to stage.Socket) bool {
	if send(int(from)) != nil || to.Wait(unix.POLLIN) != nil {
		return false
	}
	var b [8]byte
	n, _, err := unix.Recvfrom(int(to), b[:], 0)
	return n == 1 && err == nil
}

// churned is a process that churns.
type churned struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startChurn(t *testing.T, index, sockets int) *churned {
	t.Helper()
	c := &churned{cmd: exec.Command("/proc/self/exe", churnMode)}
	c.cmd.Env = append(os.Environ(), rootEnv+"=/nonexistent", "CHURN_INDEX="+strconv.Itoa(index), "CHURN_SOCKETS="+strconv.Itoa(sockets))
	c.cmd.Stderr = os.Stderr
	in, errIn := c.cmd.StdinPipe()
	out, errOut := c.cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	})
	c.in, c.out = in, bufio.NewReader(out)
	return c
}

// TestClose_churn destroys CLOSE_WAIT sockets while other connections take over their addresses all the time. What each line of the result says is held against what the
// programs that had the connections know of them: nothing was destroyed but what was in CLOSE_WAIT when the plan was made, by its cookie, and nothing of that was missed. CLOSEWAIT_CHURN is the
// number of sockets.
func TestClose_churn(t *testing.T) {
	nstest.Require(t)
	total, each := 4000, 12_500
	if text := os.Getenv("CLOSEWAIT_CHURN"); text != "" {
		var err error
		if total, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	ns := nstest.New(t)
	var programs []*churned
	ns.Do(func() {
		for made := 0; made < total; made += each {
			programs = append(programs, startChurn(t, len(programs), min(each, total-made)))
		}
	})
	for _, p := range programs {
		if line, err := p.out.ReadString('\n'); line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	for _, p := range programs {
		if _, err := p.in.Write([]byte{'\n'}); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	result, notes, code := changing(t, "close", "state close-wait", "--how=destroy", "--netns", ns.Path(), allRisks, "--yes", "--max", strconv.Itoa(2*total))
	t.Logf("closed in %v", time.Since(begin))
	if code != 0 {
		t.Fatalf("exit %d, %s", code, notes)
	}
	knows := map[string]told{}
	for _, p := range programs {
		_ = p.in.Close()
		for dec := json.NewDecoder(p.out); ; {
			var one told
			if err := dec.Decode(&one); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			knows[one.Cookie] = one
		}
	}
	judgeChurn(t, result, knows)
}

func judgeChurn(t *testing.T, result *changeJSON, knows map[string]told) {
	t.Helper()
	count, planned := map[string]int{}, map[string]bool{}
	wrong := func(format string, args ...any) {
		if count["wrong"]++; count["wrong"] <= 10 {
			t.Errorf(format, args...)
		}
	}
	for i := range result.Steps {
		s := &result.Steps[i]
		one, known := knows[s.Detail.Cookie]
		planned[s.Detail.Cookie] = true
		count[*s.Status+" and "+one.Fate]++
		switch {
		case !known || one.Echo:
			wrong("%s %s: planned, and never in CLOSE_WAIT: %+v", s.Target, s.Detail.Cookie, one)
		case *s.Status == "done" && s.Verified && (one.Fate == fateDestroyed || one.Fate == fateAborted):
		case *s.Status == "gone" && (one.Fate == fateAborted || one.Fate == fateReset):
		default:
			wrong("%s %s is %s, and its program says %s", s.Target, s.Detail.Cookie, *s.Status, one.Fate)
		}
	}
	churned := 0
	for cookie, one := range knows {
		if one.Fate == fateAborted {
			churned++
		}
		if one.Fate == fateBroken || one.Fate == fateDestroyed && !planned[cookie] {
			wrong("%s was not planned, and its program says %s", cookie, one.Fate)
		}
	}
	// Between looking and ending it a program can be overtaken: then it has ended a dead connection.
	if raced := count["done and "+fateAborted]; raced > len(result.Steps)/100+1 {
		t.Errorf("%d sockets were destroyed and aborted", raced)
	}
	if count["done and "+fateDestroyed] == 0 || churned == 0 {
		t.Errorf("nothing was tried: %v, %d churned", count, churned)
	}
	t.Logf("%d steps, %d connections, %d of them ended by their programs: %v", len(result.Steps), len(knows), churned, count)
}
