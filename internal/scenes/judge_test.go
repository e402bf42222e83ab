package scenes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// fresh is the age before which nothing may be called stuck.
	fresh = 5 * time.Second
	// late is how much longer a verdict may take: evidence about queues and threads needs a socket to be old.
	late = 30 * time.Second
)

// scene sets something up in a place, waits until it stands, and returns the truth about it.
type scene func(*place) []want

// play plays scenes, each in a place of its own, and has the tool judge them.
func play(t *testing.T, scenes map[string]scene) {
	t.Helper()
	t.Parallel()
	for name, set := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			judge(t, []*place{p}, set(p)...)
		})
	}
}

// judge waits for the verdict on the places together: the findings wanted, and beside them nothing above info.
func judge(t *testing.T, places []*place, wanted ...want) {
	t.Helper()
	time.Sleep(fresh) // not a wait for something to happen: before this age everything is rightly silent
	var raw string
	defer func() {
		if t.Failed() {
			t.Logf("the report:\n%s", raw)
		}
	}()
	eventually(t, late, time.Second, func() string {
		var v verdict
		v, raw = root(t, places)
		if wrong := v.compare(wanted); wrong != "" {
			return wrong
		}
		if wrong := v.onScreen(t, places); wrong != "" {
			return wrong
		}
		return v.asNobody(t, places)
	})
}

// stays looks again and again, for longer than it takes to call something stuck: no look may raise more than a note, whoever looks.
func stays(t *testing.T, p *place) {
	t.Helper()
	staysForRoot(t, p)
	if v, raw := look(t, p.nobody("-o", "json")); v.compare(nil) != "" {
		t.Errorf("as nobody: %s\n%s", v.compare(nil), raw)
	}
}

// staysForRoot is the same where only threads tell: who may not see them is rightly told of connections that nobody comes to.
func staysForRoot(t *testing.T, p *place) {
	t.Helper()
	tick := time.NewTicker(1500 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < fresh+4*time.Second; <-tick.C {
		v, raw := root(t, []*place{p})
		if wrong := v.compare(nil); wrong != "" {
			t.Fatalf("%s\n%s", wrong, raw)
		}
	}
}

// underTest returns the program under test.
func underTest(t *testing.T) string {
	t.Helper()
	path, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// netns selects the namespaces of the places, and grants the time a busy machine takes.
func netns(places []*place) []string {
	args := []string{"--timeout", "30s"}
	for _, p := range places {
		args = append(args, "--netns", p.proc("ns/net"))
	}
	return args
}

// root looks at the places as root on their host does.
func root(t *testing.T, places []*place) (verdict, string) {
	t.Helper()
	return look(t, exec.Command(underTest(t), append(netns(places), "-o", "json")...))
}

// nobody is the program run in the place's network by a user who owns no process.
func (p *place) nobody(args ...string) *exec.Cmd {
	p.t.Helper()
	enter := []string{"--net=" + p.proc("ns/net"), "setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups", underTest(p.t), "--netns", "/proc/self/ns/net", "--timeout", "30s"}
	return exec.Command("nsenter", append(enter, args...)...)
}

func look(t *testing.T, cmd *exec.Cmd) (v verdict, raw string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, &stderr)
	}
	var short bytes.Buffer
	if err := json.Compact(&short, out); err != nil {
		t.Fatal(err)
	}
	return v, short.String()
}

// onScreen returns what the screen does not say although the document does.
func (v verdict) onScreen(t *testing.T, places []*place) string {
	t.Helper()
	cmd := exec.Command(underTest(t), netns(places)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %v\n%s", cmd.Args, err, out)
	}
	for _, f := range v.Findings {
		if f.Severity != "info" && !strings.Contains(string(out), f.Code) {
			return fmt.Sprintf("%s is not on the screen:\n%s", f.Code, out)
		}
	}
	return ""
}

// asNobody returns what an ordinary user is told wrongly. Verdicts that need no owner are the same; he is told what is missing; and he is not alarmed where root is not.
func (v verdict) asNobody(t *testing.T, places []*place) string {
	t.Helper()
	if len(places) > 1 {
		return "" // he sees one namespace
	}
	his, raw := look(t, places[0].nobody("-o", "json"))
	var wrong []string
	for _, f := range v.Findings {
		if oneOf("CW104|CW201|CW202|CW203|CW204", f.Code) && !slices.ContainsFunc(his.Findings, func(h finding) bool { return h.Code == f.Code && h.Count == f.Count }) {
			wrong = append(wrong, fmt.Sprintf("as nobody: no %s of %d sockets", f.Code, f.Count))
		}
	}
	alarmed := func(f finding) bool { return f.Severity != "info" }
	if slices.ContainsFunc(his.Findings, alarmed) && !slices.ContainsFunc(v.Findings, alarmed) {
		wrong = append(wrong, "as nobody: an alarm that root does not get")
	}
	hidden := places[0].table().where(func(r row) bool { return r.state == closeWait && r.inode != 0 })
	if len(hidden) > 0 && !slices.ContainsFunc(his.Incomplete, func(i struct{ Code, Message string }) bool { return i.Code == "CW501" }) {
		wrong = append(wrong, "as nobody: owners are missing, and it is not said")
	}
	if wrong != nil {
		wrong = append(wrong, raw)
	}
	return strings.Join(wrong, "\n")
}
