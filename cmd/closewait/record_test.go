package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/record"
)

// TestRecord makes every scene of the kernel's, for each family in a namespace of its own, and waits for the verdicts in all of them together.
func TestRecord(t *testing.T) {
	nstest.Require(t)
	spaces := map[nstest.Family]*nstest.Namespace{}
	for _, fam := range nstest.Families() {
		spaces[fam] = nstest.New(t)
		spaces[fam].Do(func() {
			for _, scene := range nstest.Scenes() {
				scene.Build(t, fam)
			}
		})
	}
	for fam, ns := range spaces {
		t.Run(fam.String(), func(t *testing.T) { sameAnswers(t, judged(t, ns)) })
		t.Run(fam.String()+"/verb", func(t *testing.T) { recordVerb(t, ns) })
		t.Run(fam.String()+"/pasted", func(t *testing.T) { pastedText(t, ns) })
	}
}

// sameAnswers wants the same documents, byte for byte, from a look and from its recording; and from the redacted recording the same verdicts.
func sameAnswers(t *testing.T, live *cli.Answer) {
	if len(live.Rows) < len(nstest.Scenes()) || len(live.Snapshot.Namespaces[0].Messages) == 0 {
		t.Fatalf("%d sockets, %d bytes of messages", len(live.Rows), len(live.Snapshot.Namespaces[0].Messages))
	}
	file := filepath.Join(t.TempDir(), "look")
	var b bytes.Buffer
	if err := record.Write(&b, &record.Recording{Snapshot: live.Snapshot, Later: live.Later}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-o", "json"}, {"-o", "wide"}, {"ls", "-o", "json"}} {
		if diff := cmp.Diff(answered(t, answering(live), args...), answered(t, nil, append(args, "--from", file)...)); diff != "" {
			t.Errorf("%v (-live +recorded):\n%s", args, diff)
		}
	}
	whole := verdictsOf(t, answered(t, nil, "-o", "json", "--from", file))
	redacted := answered(t, nil, "-o", "json", "--redact", "--from", file)
	if diff := cmp.Diff(whole, verdictsOf(t, redacted)); diff != "" {
		t.Errorf("verdicts (-recorded +redacted):\n%s", diff)
	}
	for _, name := range []string{live.Report.Host.Name, filepath.Base(os.Args[0])} {
		if name != "" && strings.Contains(redacted, `"`+name) {
			t.Errorf("%q in the redacted answer", name)
		}
	}
	stuck := strings.Count(answered(t, nil, "ls", "-o", "ndjson", "--from", file, "stuck"), "\n")
	if n := strings.Count(answered(t, nil, "ls", "-o", "ndjson", "--redact", "--from", file, "stuck"), "\n"); n != stuck || n == 0 {
		t.Errorf("%d stuck sockets, %d when redacted", stuck, n)
	}
}

// judged looks until the scenes are old enough for verdicts on them.
func judged(t *testing.T, ns *nstest.Namespace) *cli.Answer {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		live, err := cli.System().Look(t.Context(), cli.Query{Netns: []string{ns.Path()}, Rows: true, Findings: true, Owners: true, Whole: true})
		if err != nil {
			t.Fatal(err)
		}
		codes := map[string]bool{}
		for i := range live.Report.Findings {
			codes[live.Report.Findings[i].Code] = true
		}
		if codes["CW101"] && codes["CW104"] && codes["CW201"] && codes["CW202"] && codes["CW204"] {
			return live
		}
		if time.Now().After(deadline) {
			t.Fatalf("no verdicts but %v", codes)
		}
		<-tick.C
	}
}

// recordVerb records a namespace with the verb itself, and finds in the file what it finds live.
func recordVerb(t *testing.T, ns *nstest.Namespace) {
	file := filepath.Join(t.TempDir(), "look")
	var live, recorded []string
	for range 5 { // ages and timers decide, and they run between the looks
		live = verdictsOf(t, answered(t, nil, "-o", "json", "--netns", ns.Path()))
		if _, stderr, code := closewait(t, "record", "--overwrite", "--netns", ns.Path(), file); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if recorded = verdictsOf(t, answered(t, nil, "-o", "json", "--from", file)); len(live) > 0 && slices.Equal(live, recorded) {
			break
		}
	}
	if diff := cmp.Diff(live, recorded); diff != "" || len(live) == 0 {
		t.Errorf("(-live +recorded):\n%s", diff)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, stderr, code := closewait(t, "record", "--netns", ns.Path(), file); code != 4 || !strings.Contains(stderr, "--overwrite") {
		t.Errorf("a file that is there: exit %d, %s", code, stderr)
	}
}

// answering changes a configuration so that every look finds the same.
func answering(answer *cli.Answer) func(*cli.Config) {
	return func(c *cli.Config) {
		c.Look = func(context.Context, cli.Query) (*cli.Answer, error) { return answer, nil }
	}
}

func answered(t *testing.T, change func(*cli.Config), args ...string) string {
	t.Helper()
	cfg := cli.System()
	var out, err bytes.Buffer
	cfg.Streams = cli.Streams{In: strings.NewReader(""), Out: &out, Err: &err}
	if change != nil {
		change(&cfg)
	}
	if code := cli.Main(args, cfg); code != 0 {
		t.Fatalf("%v: exit %d: %s", args, code, err.String())
	}
	return out.String()
}

// verdictsOf takes from a report what no name may change.
func verdictsOf(t *testing.T, doc string) (list []string) {
	t.Helper()
	var r struct {
		Findings []struct {
			ID, Code, Cause, Severity string
			Count                     int
			Role                      *string
			Ends                      struct{ Kind, By string }
			Age                       struct{ Kind string }
			CausedBy                  *string `json:"caused_by"`
			Processes                 []struct{ PID int }
			Culprits                  []struct{ What string }
			Victims                   struct{ Count int }
			Peers                     []struct{ Count int }
		}
	}
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		t.Fatal(err)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		role, cause := "", ""
		if f.Role != nil {
			role = *f.Role
		}
		if f.CausedBy != nil {
			cause = *f.CausedBy
		}
		list = append(list, fmt.Sprint(f.ID, f.Code, f.Cause, f.Severity, f.Count, role, cause, f.Ends, f.Processes, f.Culprits, f.Victims, f.Peers))
	}
	return list
}
