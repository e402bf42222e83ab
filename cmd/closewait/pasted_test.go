package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/nstest"
)

// unmoved is what stays the same of a socket while nothing happens to it.
type unmoved struct {
	State, Timer string
	Count        int
	Local, Peer  endpointJSON
}

// whens returns the forecasts of one answer, and when it was made.
func whens(t *testing.T, args ...string) (map[unmoved]endsJSON, time.Time) {
	t.Helper()
	var answer forecastJSON
	if err := json.Unmarshal([]byte(answered(t, nil, append([]string{"when", "-o", "json"}, args...)...)), &answer); err != nil {
		t.Fatal(err)
	}
	all := map[unmoved]endsJSON{}
	for _, s := range answer.Sockets {
		if s.Peer != nil {
			all[unmoved{s.State, s.Timer.Kind, s.Timer.Count, s.Local, *s.Peer}] = s.Ends
		}
	}
	return all, answer.TakenAt
}

func (e *endsJSON) String() string {
	b, _ := json.Marshal(e) // numbers and texts
	return string(b)
}

// pastedForms are texts about sockets, from what tells most to what tells least: whether it tells all that decides.
var pastedForms = []struct {
	command []string
	whole   bool
}{
	{[]string{"ss", "-tanoie"}, true}, {[]string{"ss", "-tanoieO"}, true}, {[]string{"ss", "-tano"}, false}, {[]string{"netstat", "-nato", "-W"}, false},
	{[]string{"cat", "/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}, false},
}

// pastedText wants of the text about the same sockets what a look says of them: the same ends within the interval that the text allows, or that it does not tell.
func pastedText(t *testing.T, ns *nstest.Namespace) {
	for _, form := range pastedForms {
		path, err := exec.LookPath(form.command[0])
		if err != nil {
			nstest.Missing(t, form.command[0])
		}
		before, began := whens(t, "--netns", ns.Path())
		var text []byte
		ns.Do(func() { text, err = exec.Command(path, form.command[1:]...).Output() })
		if err != nil {
			t.Fatal(err)
		}
		after, ended := whens(t, "--netns", ns.Path())
		file := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		pasted, _ := whens(t, "--from", file)
		compared := 0
		for s, live := range before {
			said, there := pasted[s]
			if _, still := after[s]; !still || !there {
				continue // something happened to it, or that could not be seen
			}
			compared++
			if why := live.contradicts(&said, ended.Sub(began).Seconds(), form.whole); why != "" {
				t.Errorf("%v: %+v: %s\nlive   %v\npasted %v\n%s", form.command, s, why, &live, &said, text)
			}
		}
		if compared < 10 {
			t.Errorf("%v: only %d of %d sockets could be compared\n%s", form.command, compared, len(before), text)
		}
	}
}

// contradicts says in what a forecast from text, made up to so many seconds later, cannot be true beside that of a look.
func (e *endsJSON) contradicts(said *endsJSON, later float64, whole bool) string {
	switch {
	case said.Kind == "unknown" && !whole:
		return "" // it does not tell
	case said.Kind != e.Kind:
		return "of another kind"
	case said.Kind != "at":
		return ""
	case whole && (said.By == nil || e.By == nil || *said.By != *e.By):
		return "by another timer"
	}
	for _, at := range []*float64{e.Seconds, e.Also} {
		if at != nil && *at >= *said.Earliest && *at-later <= *said.Latest {
			return ""
		}
	}
	return "at another moment"
}
