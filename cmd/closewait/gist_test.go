package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// gist is what an answer claims of sockets that are stuck, as far as it must not depend on what went wrong.
type gist struct {
	incomplete []string          // codes
	sockets    map[string]string // state and holders by cookie
	findings   map[string]string // count by code and holder
	stuck      int               // in CLOSE_WAIT
}

// gist reads a document, or what a recording says when it is played.
func (h *host) gist(verb []string, out []byte) (g gist, err error) {
	h.t.Helper()
	if verb[0] == "record" {
		file := filepath.Join(h.t.TempDir(), "look")
		if err := os.WriteFile(file, out, 0o600); err != nil {
			h.t.Fatal(err)
		}
		played, notes, code := closewait(h.t, "ls", "-p", "-o", "json", "--from", file)
		if code != 0 {
			return g, fmt.Errorf("the recording cannot be played: exit %d, %s", code, notes)
		}
		out = []byte(played)
	}
	return gistOf(out)
}

func gistOf(b []byte) (g gist, err error) {
	var doc struct {
		Incomplete []struct{ Code string }
		Sockets    []struct {
			State, Cookie string
			Holders       *[]struct{ PID, FD int }
		}
		Totals struct {
			ByState map[string]int `json:"by_state"`
		}
		Findings []struct {
			Code      string
			Count     int
			Processes []struct{ PID int }
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return g, err
	}
	g = gist{sockets: map[string]string{}, findings: map[string]string{}, stuck: doc.Totals.ByState["close_wait"]}
	for _, m := range doc.Incomplete {
		if m.Code != "CW505" {
			g.incomplete = append(g.incomplete, m.Code)
		}
	}
	for _, s := range doc.Sockets {
		if s.State != "close_wait" { // the other ends, which go when their time is over
			continue
		}
		holders := "unknown"
		if s.Holders != nil {
			holders = fmt.Sprint(*s.Holders)
		}
		g.sockets[s.Cookie] = s.State + " held by " + holders
	}
	for _, f := range doc.Findings {
		g.findings[fmt.Sprint(f.Code, f.Processes)] = fmt.Sprint(f.Count)
	}
	return g, nil
}

// within is an error when a part of an answer says anything of a socket that the whole does not say.
func (g *gist) within(whole *gist) error {
	for cookie, s := range g.sockets {
		state, _, _ := strings.Cut(s, " held")
		if was := whole.sockets[cookie]; s != was && (!strings.HasPrefix(was, state) || !strings.HasSuffix(s, "unknown")) {
			return fmt.Errorf("socket %s is said to be %s, and is %s", cookie, s, was)
		}
	}
	if g.stuck > whole.stuck {
		return fmt.Errorf("%d sockets are stuck, not %d", g.stuck, whole.stuck)
	}
	return nil
}
