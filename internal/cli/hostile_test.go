package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// hostileName is what somebody calls things who wants something of whoever reads of them: the terminal's escape sequences, in both forms, what turns text round or ends lines, what is
// structure in HTML, Markdown, JSON, a shell and in the lines of monitoring plugins, and bytes that are no text.
const hostileName = "x\x1b[31m\x1b]0;y\x07\u009b2J\u202eevil\u2066\u2028\u2029\u0085\n# z\r\n| a | 'b'=1;2;3 `c` $(d) [e](http://f.g) <script>h</script> <!-- \" } \t\x7f\xff\x9b\x00"

// plant gives every text below a value the hostile name, and makes one of everything that may be there.
func plant(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(hostileName)
		}
	case reflect.Pointer:
		if v.IsNil() && v.CanSet() && depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
		}
		if !v.IsNil() {
			plant(v.Elem(), depth+1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[tcp.Socket]() {
			return
		}
		for i := range v.NumField() {
			plant(v.Field(i), depth+1)
		}
	case reflect.Slice:
		if v.Len() == 0 && v.CanSet() && v.Type().Elem().Kind() == reflect.Struct && depth < 12 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			plant(v.Index(i), depth+1)
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if value.Kind() == reflect.Pointer {
				plant(value, depth+1)
			} else if value.Kind() == reflect.Struct {
				planted := reflect.New(value.Type()).Elem()
				planted.Set(value)
				plant(planted, depth+1)
				v.SetMapIndex(key, planted)
			}
		}
	}
}

// hostileHost is a host with stuck sockets of several kinds on which everything is called so.
func hostileHost() *record.Recording {
	local := tcp.MustParseEndpoint("[fe80::1]:8080")
	s := &look.Snapshot{TakenAt: noon, HoldersComplete: true, DeadSought: true, Namespaces: []look.Namespace{{Inode: 4026531840, PID: 1}, {Inode: 4026532000, PID: 2214}}, Processes: map[int]*look.Process{}}
	inode := uint32(5000)
	for n := range s.Namespaces {
		ns := &s.Namespaces[n]
		ns.Sysctls, ns.Options, ns.Neighbours = map[string]int64{"tcp_retries2": 3}, map[tcp.Cookie]look.Options{}, map[tcp.Cookie]look.Neighbour{}
		for i := range 40 {
			inode++
			k := tcp.Socket{Family: tcp.IPv6, State: tcp.CloseWait, Cookie: tcp.Cookie(inode), Inode: inode, RecvQueue: 1, Local: local, Peer: tcp.EndpointFrom(local.Addr(), uint16(30_000+i))}
			switch i % 4 {
			case 1:
				k.SendQueue, k.Timer = 1448, tcp.Timer{Kind: tcp.TimerRetransmit, Count: 7, Expires: 20 * time.Second}
			case 2:
				k.State, k.SendQueue, k.Timer = tcp.Established, 1448, tcp.Timer{Kind: tcp.TimerRetransmit, Count: 9, Expires: time.Minute}
			case 3:
				k.Inode = 0 // nobody accepts it
			}
			k.Info.Put(tcp.RTO, 204_000)
			k.Info.Put(tcp.LastAckRecv, 7_740_000)
			ns.Sockets = append(ns.Sockets, k)
			ns.Options[k.Cookie] = look.Options{}
			pid := 2214 + i%3
			if k.Inode != 0 {
				s.Holders.Hold(k.Inode, look.Holder{PID: pid, FD: 10 + i})
			}
			s.Processes[pid] = &look.Process{PID: pid, State: 'S', FDs: 900, FDLimit: 1000, Workload: look.Workload{Kind: look.WorkloadKind(i % 4)}}
		}
		inode++
		ns.Sockets = append(ns.Sockets, tcp.Socket{Family: tcp.IPv6, State: tcp.Listen, Cookie: tcp.Cookie(inode), Inode: inode, RecvQueue: 10, SendQueue: 8, Local: local, Peer: tcp.EndpointFrom(netip.IPv6Unspecified(), 0)})
		s.Holders.Hold(inode, look.Holder{PID: 2214, FD: 3})
	}
	s.Dead = []look.DeadFD{{PID: 2215, FD: 77, Inode: 99}}
	plant(reflect.ValueOf(s).Elem(), 0)
	for _, p := range s.Processes { // one of each, made by plant
		for i := range p.Activity.Threads {
			p.Activity.Threads[i].TID, p.Activity.Threads[i].First.State = p.PID, 'S'
		}
	}
	for n := range s.Namespaces {
		s.Namespaces[n].Blur, s.Namespaces[n].Ages = nil, nil
	}
	s.Clock = look.Clock{}
	return &record.Recording{Snapshot: s}
}

// invisible reports whether a character says something to a terminal, or to whoever lays out a line, and nothing to the reader.
func invisible(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// TestHostileNames: whatever names are chosen by others, no form of an answer has more in it than text: nothing that a terminal obeys, and no structure that is not the form's own.
func TestHostileNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "look")
	var b strings.Builder
	if err := record.Write(&b, hostileHost()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	verbs := [][]string{
		{"status"}, {"ls", "-p"}, {"ls", "--all-columns"}, {"when"}, {"doctor"}, {"show", "pid", "2214"}, {"show", "pid", "2215"}, {"show", "pid", "2216"}, {"show", "f1"}, {"show", "f2"}, {"show", "0x1389"}, {"show", hostileName},
		{"ls", "comm = " + hostileName}, {"check"}, {"explain", hostileName}, {"changes", hostileName}, {"--netns", hostileName}, {"report", "-"}, {"report", "-", "--format", "html"}, {"report", "-", "--format", "json"},
	}
	seen := 0
	for _, verb := range verbs {
		for _, form := range []string{"", "table", "wide", "plain", "json", "ndjson", "name"} {
			for width, color := range map[int]string{0: "never", 80: "always"} {
				args := append(append([]string{}, verb...), "--from", file, "--color", color)
				if form != "" {
					args = append(args, "-o", form)
				}
				stdout, stderr, code := run(t, func(c *Config) {
					c.OutTerminal = width > 0
					c.Size = func() (int, int) { return width, 24 }
				}, args...)
				if code == int(Bug) {
					t.Fatalf("%v: %s", args, stderr)
				}
				if strings.Contains(stdout, "evil") {
					seen++
				}
				harmless(t, fmt.Sprintf("%v at %d: stdout", args, width), stdout, verb, form)
				harmless(t, fmt.Sprintf("%v at %d: stderr", args, width), stderr, nil, form)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d answers had the name in them", seen)
	}
}

// graphics are the only sequences that are the program's own: colours.
var graphics = regexp.MustCompile("\x1b\\[[0-9;]*m")

func harmless(t *testing.T, what, text string, verb []string, form string) {
	t.Helper()
	plain := graphics.ReplaceAllString(text, "")
	tabs := form == "plain" || form == "" || form == "name" // between columns
	for i, r := range plain {
		if r == utf8.RuneError && strings.HasPrefix(plain[i:], "\xff") || invisible(r) && !(r == '\t' && tabs) {
			t.Errorf("%s: %U at %d: %q", what, r, i, plain[max(0, i-40):min(len(plain), i+20)])
			return
		}
	}
	switch {
	case len(verb) == 0 || text == "":
	case verb[0] == "report" && verb[len(verb)-1] == "html":
		if strings.Contains(text, "<script") || strings.Contains(text, "<!-- \"") {
			t.Errorf("%s: the name is an element", what)
		}
	case form == "json" || form == "ndjson" || verb[0] == "report" && verb[len(verb)-1] == "json":
		for dec := json.NewDecoder(strings.NewReader(text)); dec.More(); {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
		}
	case verb[0] == "report": // what is within a line, TestTicket_hostile of package render judges
		if strings.Contains(text, "\n# z") || strings.Contains(text, "\n| a |") {
			t.Errorf("%s: the name is a line", what)
		}
	case verb[0] == "check":
		line, _, _ := strings.Cut(text, "\n")
		if strings.Count(line, "|") > 1 {
			t.Errorf("%s: the name is performance data: %s", what, line)
		}
	}
}

// TestHostileJournal: a journal tells what targets, commands and errors were called when something was changed, which others choose.
func TestHostileJournal(t *testing.T) {
	entry := &report.Journal{}
	plant(reflect.ValueOf(entry).Elem(), 0)
	entry.Kind, entry.ID, entry.State = "Journal", "91d4", report.JournalDone
	entry.Who.Command, entry.Risks = []string{hostileName, hostileName}, []string{hostileName}
	entry.Steps[0].Before, entry.Steps[0].After = report.Value(mustJSON(t, hostileName)), report.Value(mustJSON(t, hostileName))
	state := t.TempDir()
	if err := os.Mkdir(filepath.Join(state, "changes"), 0o700); err != nil {
		t.Fatal(err)
	}
	done := report.StatusDone
	entry.Steps[0].Status = &done
	steps := mustJSON(t, entry.Steps)
	entry.Steps = nil
	head, ok := bytes.CutSuffix(mustJSON(t, entry), []byte("null}"))
	if !ok {
		t.Fatal("the steps are not the last of an entry")
	}
	text := slices.Concat(head, []byte("[\n"), steps[1:len(steps)-1], []byte("\n]}\n")) // its head is read alone
	if err := os.WriteFile(filepath.Join(state, "changes", "91d4.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, verb := range [][]string{{"changes"}, {"changes", "91d4"}, {"changes", hostileName}, {"undo", "91d4"}, {"undo", hostileName}, {"confirm", "91d4"}, {"apply", filepath.Join(state, "changes", "91d4.json")}} {
		for _, form := range []string{"", "plain", "json", "name"} {
			args := verb
			if form != "" {
				args = append(append([]string{}, verb...), "-o", form)
			}
			stdout, stderr, code := run(t, func(c *Config) { c.States = func() []string { return []string{state} } }, args...)
			if code == int(Bug) {
				t.Fatalf("%v: %s", args, stderr)
			}
			if strings.Contains(stdout+stderr, "evil") {
				seen++
			}
			harmless(t, fmt.Sprintf("%v: stdout", args), stdout, verb, form)
			harmless(t, fmt.Sprintf("%v: stderr", args), stderr, nil, form)
		}
	}
	if seen < 16 {
		t.Errorf("only %d answers had the name in them", seen)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
