package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestTogether lets several programs write to one journal at once, while another reads it. Every entry is whole, and the changes form one chain: each begins where the one before has ended.
func TestTogether(t *testing.T) {
	h := newHost(t)
	h.set(retries2, "15")
	const writers, rounds = 3, 6
	done := h.atOnce(writers+1, func(i, round int) []string {
		if i == writers {
			return []string{"changes", "-o", "json"}
		}
		return []string{"tune", fmt.Sprintf("tcp_retries2=%d", 20+10*i+round), "--yes"}
	}, rounds)
	type entry struct {
		State     string
		StartedAt time.Time `json:"started_at"`
		Steps     []struct {
			Before, After int
			Status        string
		}
	}
	var chain []entry
	paths, err := filepath.Glob(filepath.Join(h.root, "state/changes/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		var e entry
		if err == nil {
			err = json.Unmarshal(b, &e)
		}
		if err != nil || len(e.Steps) != 1 {
			t.Fatalf("%s: %v", b, err)
		}
		if e.Steps[0].Status == "done" {
			chain = append(chain, e)
		}
	}
	slices.SortFunc(chain, func(a, b entry) int { return a.StartedAt.Compare(b.StartedAt) })
	value := 15
	for _, e := range chain {
		if e.State != "done" || e.Steps[0].Before != value {
			t.Errorf("%+v, when the value was %d", e, value)
		}
		value = e.Steps[0].After
	}
	if got := h.get(retries2); got != strconv.Itoa(value) || len(chain) != done {
		t.Errorf("the setting is %s, the journal ends with %d; %d changes of which %d programs have said that they made them", got, value, len(chain), done)
	}
	for range chain {
		h.run(0, "undo", "--yes")
	}
	h.is("15")

	plan := filepath.Join(h.root, "plan.json")
	h.run(0, "tune", "tcp_retries2=9", "--save", plan)
	if done := h.atOnce(writers, func(int, int) []string { return []string{"apply", plan, "--yes"} }, 1); done != 1 {
		t.Errorf("%d programs have applied one plan", done)
	}
	h.run(0, "undo", "--yes")
	h.is("15")
}

// atOnce runs programs beside each other, each several times, and returns how many of those that change something have said that they did. The others are refused: another one was in the way.
func (h *host) atOnce(programs int, args func(i, round int) []string, rounds int) (done int) {
	h.t.Helper()
	var lock sync.Mutex
	var all sync.WaitGroup
	for i := range programs {
		all.Go(func() {
			for round := range rounds {
				cmd := h.command(nil, args(i, round)...)
				cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // few threads: together they may meet the limit of processes, which Go's runtime does not survive
				out, err := cmd.CombinedOutput()
				lock.Lock()
				switch code := cmd.ProcessState.ExitCode(); {
				case code == 0 && args(i, round)[0] != "changes":
					done++
				case code != 0 && code != 4:
					h.t.Errorf("%v: exit %d, %v: %s", args(i, round), code, err, out)
				}
				lock.Unlock()
			}
		})
	}
	all.Wait()
	if done == 0 {
		h.t.Error("none has got through")
	}
	return done
}
