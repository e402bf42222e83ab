package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
)

// Verbs is the program itself, as scenes use it.
type Verbs struct {
	// Look looks at a network namespace, given as a path: the findings, and the sockets a filter selects.
	Look func(ctx context.Context, netns, filter string) (*report.Report, []report.Socket, error)
	// Run runs a verb with its arguments as in a pipe and returns what it writes to standard output. It keeps its journal in the directory state. Errors: anything but exit code
	// 0, with the message the user would see.
	Run func(ctx context.Context, state string, args ...string) ([]byte, error)
}

// Play is one performance of a scene. Its methods end it when something goes wrong.
type Play struct {
	Settings Settings

	scene     Scene
	ctx       context.Context
	verbs     Verbs
	conn      *inetdiag.Conn // nil until something is asked
	near, far *stage.Network // where the sockets under watch are; where their peers are, nil without Cable
	began     time.Time
	undo      []func()
	watch     chan<- *wire // nil when segments cannot be seen
	watched   bool         // a connection is

	mu        sync.Mutex // capture tells, too
	tell      func(report.LabEvent)
	result    report.LabScene
	swallowed time.Time // since when the path swallows what is sent, zero while it does not
}

// lacking ends a play for which this host is not made.
type lacking struct{ error }

// failed carries an error from where it was found to Perform.
type failed struct{ error }

// Perform plays a scene in the network the process is in, which must be one of its own, and returns what came out. tell is called with each event as it happens.
func Perform(ctx context.Context, scene Scene, settings Settings, verbs Verbs, tell func(report.LabEvent)) report.LabScene {
	runtime.LockOSThread() // processes started here die when this thread ends, so it must last
	p := &Play{Settings: settings, scene: scene, ctx: ctx, verbs: verbs, tell: tell, began: time.Now()}
	p.result = report.LabScene{
		Name: scene.Name, Title: scene.Title, Story: []report.LabEvent{}, Verdicts: []report.LabVerdict{}, Predictions: []report.LabPrediction{},
	}
	err := p.perform()
	p.result.Settings = p.Settings.shown()
	p.result.Seconds = p.since()
	p.result.Status = report.LabPassed
	var lacks lacking
	switch {
	case errors.As(err, &lacks):
		p.result.Status = report.LabSkipped
	case err != nil:
		p.result.Status = report.LabFailed
	}
	if err != nil {
		p.result.Reason = new(err.Error())
	}
	return p.result
}

func (p *Play) perform() (err error) {
	defer func() {
		for i := len(p.undo) - 1; i >= 0; i-- {
			p.undo[i]()
		}
	}()
	defer p.hush()
	defer func() {
		switch stopped := recover().(type) {
		case nil:
		case failed:
			err = stopped.error
		default:
			panic(stopped)
		}
	}()
	p.must(stage.SetUp("lo"))
	var open error
	p.near, open = stage.Here()
	p.must(open)
	p.cleanup(p.near.Close)
	p.capture()
	p.room()
	p.act()
	if p.Settings.Hold > 0 {
		p.Say("everything stays as it is for %v", p.Settings.Hold)
		p.wait(p.Settings.Hold)
	}
	return nil
}

// room lets listeners of the scene's network have as long a queue as the reader wants sockets (somaxconn, 4096 as a rule).
func (p *Play) room() {
	if p.Settings.Sockets > 4000 {
		p.write("core/somaxconn", p.Settings.Sockets)
	}
}

// act plays the scene to its end, be it an early one.
func (p *Play) act() {
	defer func() {
		if stopped := recover(); stopped != nil && stopped != (over{}) {
			panic(stopped)
		}
	}()
	p.scene.play(p)
}

func (p *Play) look(ctx context.Context, netns, filter string) (*report.Report, []report.Socket, error) {
	return p.verbs.Look(ctx, netns, filter)
}

// hush ends the story: what tidying up sends is no part of it.
func (p *Play) hush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell = nil
}

func (p *Play) must(err error) {
	if err != nil {
		panic(failed{err})
	}
}

// Lacks ends the play without failing it: this host is not made for it.
func (p *Play) Lacks(format string, args ...any) { p.must(lacking{fmt.Errorf(format, args...)}) }

func (p *Play) cleanup(f func()) { p.undo = append(p.undo, f) }

func (p *Play) since() report.Seconds { return report.Seconds(time.Since(p.began)) }

// Say narrates what the scene does.
func (p *Play) Say(format string, args ...any) {
	p.event(report.LabEvent{AtSeconds: p.since(), Kind: "act", Text: fmt.Sprintf(format, args...)})
}

func (p *Play) event(e report.LabEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tell == nil {
		return
	}
	p.result.Story = append(p.result.Story, e)
	p.tell(e)
}

// wait lets time pass.
func (p *Play) wait(d time.Duration) {
	select {
	case <-p.ctx.Done():
		p.must(p.ctx.Err())
	case <-time.After(d):
	}
}

// eventually asks again and again until the answer is true, and fails with what was wanted if that takes longer than the time given. On a busy host, where each question takes long, it
// pauses as long and does not give up before it has asked a fair number of times.
func (p *Play) eventually(within, pause time.Duration, ask func() (bool, string)) {
	const fair = 20
	deadline := time.Now().Add(within)
	for times := 1; ; times++ {
		began := time.Now()
		ok, want := ask()
		if ok {
			return
		}
		if times >= fair && time.Now().After(deadline) {
			p.must(fmt.Errorf("after %v still not: %s", within, want))
		}
		p.wait(max(pause, time.Since(began)))
	}
}

// Cable gives the clients of the scene a network of their own, joined to that of the servers by a cable.
func (p *Play) Cable() {
	var err error
	p.far, err = stage.Unshare()
	p.must(err)
	p.cleanup(p.far.Close)
	err = stage.Join(p.near, p.far)
	if stage.Absent(err) {
		p.Lacks("veth devices: %w", err)
	}
	p.must(err)
}

// Set writes a sysctl below net.ipv4 of the scene's network.
func (p *Play) Set(key string, value int) {
	p.write("ipv4/"+key, value)
	p.Say("%s=%d in this network", key, value)
}

// write writes a sysctl below net of the scene's network.
func (p *Play) write(key string, value int) {
	err := os.WriteFile("/proc/sys/net/"+key, strconv.AppendInt(nil, int64(value), 10), 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		p.Lacks("this kernel has no %s", key)
	case err != nil:
		p.Lacks("%s of a private network cannot be written: %w", key, err)
	}
}

// Client is the peer of a socket under watch. It is a socket of the process that plays.
type Client struct {
	stage.Socket
	play        *Play
	Local, Peer netip.AddrPort
}

// Dial connects a client to a server: across the cable if there is one.
func (p *Play) Dial(to netip.AddrPort) *Client { return p.dial(to, 0) }

// DialSmall is Dial for a client that takes little before its window closes.
func (p *Play) DialSmall(to netip.AddrPort) *Client { return p.dial(to, 4096) }

func (p *Play) dial(to netip.AddrPort, buffer int) *Client {
	c := &Client{play: p, Peer: to}
	var err error
	if p.far == nil {
		c.Socket, err = stage.Open(p.Settings.Family)
	} else {
		p.must(p.far.Do(func() { c.Socket, err = stage.Open(p.Settings.Family) }))
	}
	p.must(err)
	p.cleanup(c.Abort)
	if buffer > 0 {
		p.must(c.ReceiveBuffer(buffer))
	}
	p.must(c.Connect(to))
	c.Local, err = c.Socket.Local()
	p.must(err)
	if !p.watched {
		p.Watch(to, c.Local)
	}
	return c
}

// Send sends n bytes.
func (c *Client) Send(n int) {
	_, err := c.Write(make([]byte, n))
	c.play.must(err)
}

// Finish sends a FIN, which is acknowledged: the client says that it will send no more, and keeps its socket.
func (c *Client) Finish() {
	c.play.must(c.CloseWrite())
	c.play.eventually(stage.Patience, time.Millisecond, func() (bool, string) {
		state, err := c.State()
		c.play.must(err)
		return state == tcp.FinWait2, "an acknowledgement of the client's FIN"
	})
}

// Leave closes the client.
func (c *Client) Leave() {
	if c.Socket >= 0 {
		c.Close()
		c.Socket = -1
	}
}

// Abort resets the connection.
func (c *Client) Abort() {
	if c.Socket >= 0 {
		c.Socket.Abort()
		c.Socket = -1
	}
}
