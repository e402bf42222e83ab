package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"regexp"
	"time"

	"github.com/closewait/closewait/internal/host"
	scenery "github.com/closewait/closewait/internal/stage"
)

// stage is everything that runs at once.
type stage struct {
	began, ends time.Time
	random      *rand.Rand // used before the lives begin, and by the oracle
	namespaces  []*namespace
	lives       []*life
	acts        []func()
	witness     *witness
	noise       noise
	tracing     *tracing // nil where the kernel may not be listened to
	oracle      oracle
	missing     []string // parts of the matrix that could not be made
}

// setStage makes the namespaces wanted and the lives that fit into the time.
func setStage(length time.Duration, wanted *regexp.Regexp, random *rand.Rand) (*stage, error) {
	w, err := newWitness()
	if err != nil {
		return nil, err
	}
	s := &stage{random: random, witness: w}
	s.oracle = oracle{stage: s, host: host.New(time.Now), random: random}
	for _, g := range matrix(random) {
		if !wanted.MatchString(g.name) {
			continue
		}
		if err := s.furnish(&g, length); err != nil {
			if g.commands == nil {
				return nil, err
			}
			s.missing = append(s.missing, err.Error())
		}
	}
	if s.tracing, err = trace(); err != nil {
		s.missing = append(s.missing, "the kernel's own clock of firings and deaths: "+err.Error())
	}
	s.ends = time.Now().Add(length)
	return s, nil
}

func (s *stage) furnish(g *group, length time.Duration) error {
	var fitting []scene
	for _, sc := range g.scenes {
		if sc.length <= length {
			fitting = append(fitting, sc)
		}
	}
	if len(fitting) == 0 {
		return nil
	}
	if _, err := exec.LookPath("ip"); err != nil && g.commands != nil {
		return fmt.Errorf("namespace %s: %w", g.name, err)
	}
	ns, err := newNamespace(g.name, g.sysctls, g.commands)
	if err != nil {
		return err
	}
	s.namespaces = append(s.namespaces, ns)
	var own []*life
	for _, sc := range fitting {
		l := &life{scene: sc, stage: s, ns: ns, fd: -1, far: -1, family: "ipv4"}
		if !sc.from.IsValid() {
			loopback := [...]netip.Addr{scenery.IPv4.Loopback(), scenery.IPv6.Loopback()}[len(own)%2]
			l.from, l.to = loopback, loopback
		}
		if l.from.Is6() {
			l.family = "ipv6"
		}
		own = append(own, l)
	}
	s.lives = append(s.lives, own...)
	for _, a := range g.acts {
		s.acts = append(s.acts, func() { s.act(ns, own, a) })
	}
	return nil
}

// act changes a whole namespace while its sockets die.
func (s *stage) act(ns *namespace, lives []*life, a act) {
	time.Sleep(a.after)
	if !time.Now().Before(s.ends) {
		return
	}
	for _, l := range lives {
		l.void("")
	}
	err := ns.do(a.do)
	for _, l := range lives {
		l.void(a.what)
		if err != nil {
			l.fails(err)
		}
	}
}

// play runs the lives and returns when the time is over.
func (s *stage) play() {
	s.began = time.Now()
	s.noise.listen(s.ends)
	go s.witness.waitHeld()
	for _, l := range s.lives {
		start := time.Duration(s.random.Int64N(int64(startSpread)))
		go l.run(start)
	}
	for _, a := range s.acts {
		go a()
	}
	s.oracle.gaze()
}

// startSpread is the time in which the lives begin.
const startSpread = 3 * time.Second

func (l *life) run(start time.Duration) {
	defer func() {
		if p := recover(); p != nil {
			l.fails(fmt.Errorf("%v", p))
		}
	}()
	time.Sleep(start)
	l.play(l)
}
