package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/closewait/closewait/internal/golden"
)

// run executes the command in this process, in a pipe, with an environment of its own.
func run(t *testing.T, change func(*Config), args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	c := canned()
	c.Streams = Streams{Out: &out, Err: &err}
	c.Env = func(name string) string { return map[string]string{"LANG": "C.UTF-8"}[name] }
	if change != nil {
		change(&c)
	}
	code = Main(args, c)
	return out.String(), err.String(), code
}

// TestHelp_fits_one_screen pins every help text and holds it to 24 rows of 80 columns.
func TestHelp_fits_one_screen(t *testing.T) {
	texts := [][]string{{"--help"}, {"help", "help"}}
	for _, verb := range []string{"status", "ls", "show", "doctor", "check", "when", "record", "report", "explain", "tune", "limit", "close", "apply", "confirm", "undo", "changes", "capabilities", "schema", "completion", "man", "version"} {
		texts = append(texts, []string{verb, "--help"})
	}
	for _, topic := range topicNames() {
		texts = append(texts, []string{"help", topic})
	}
	var all strings.Builder
	for _, args := range texts {
		out, _, code := run(t, nil, args...)
		if code != 0 {
			t.Errorf("%v: exit %d", args, code)
		}
		rows := strings.Split(out, "\n")
		if len(rows) > 24 && args[len(args)-1] != "filters" { // which lists the whole language
			t.Errorf("%v: %d rows", args, len(rows))
		}
		for _, row := range rows {
			if utf8.RuneCountInString(row) > 80 {
				t.Errorf("%v: too wide: %q", args, row)
			}
		}
		fmt.Fprintf(&all, "$ closewait %s\n%s\n", strings.Join(args, " "), out)
	}
	golden.Compare(t, "help.golden", []byte(all.String()))
}

// TestRootHelp_names_every_command keeps the help written by hand complete.
func TestRootHelp_names_every_command(t *testing.T) {
	a := &app{}
	for _, cmd := range a.root().Commands() {
		if !strings.Contains(rootHelp, cmd.Name()) {
			t.Errorf("no %s", cmd.Name())
		}
	}
	for _, topic := range topicNames() {
		if !strings.Contains(rootHelp, topic) {
			t.Errorf("no topic %s", topic)
		}
	}
}

// TestSchema_only_grows is the promise to scripts: no field goes away or changes its type. -update accepts new fields, never lost ones.
func TestSchema_only_grows(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			out, _, code := run(t, nil, "schema", k.name)
			if code != 0 {
				t.Fatal("exit", code)
			}
			name := filepath.Join("schema", k.name+".json")
			if old, err := os.ReadFile(filepath.Join("testdata", name)); err == nil {
				var was, is any
				if json.Unmarshal(old, &was) != nil || json.Unmarshal([]byte(out), &is) != nil {
					t.Fatal("not JSON")
				}
				if lost := shrunk("", was, is); len(lost) > 0 {
					t.Fatalf("removed or changed, which breaks scripts:\n%s", strings.Join(lost, "\n"))
				}
			}
			golden.Compare(t, name, []byte(out))
		})
	}
}

// shrunk lists what was in a schema and no longer is.
func shrunk(path string, was, is any) (lost []string) {
	switch was := was.(type) {
	case map[string]any:
		now, ok := is.(map[string]any)
		if !ok {
			return []string{path}
		}
		for key, value := range was {
			if next, ok := now[key]; ok {
				lost = append(lost, shrunk(path+"/"+key, value, next)...)
			} else {
				lost = append(lost, path+"/"+key)
			}
		}
	case []any:
		now, _ := is.([]any)
		for _, value := range was {
			found := false
			for _, other := range now {
				found = found || reflect.DeepEqual(value, other)
			}
			if !found {
				lost = append(lost, fmt.Sprintf("%s: %v", path, value))
			}
		}
	default:
		if !reflect.DeepEqual(was, is) {
			return []string{fmt.Sprintf("%s: %v is now %v", path, was, is)}
		}
	}
	return lost
}

func TestShrunk(t *testing.T) {
	was := map[string]any{"properties": map[string]any{"a": map[string]any{"type": "string"}}, "required": []any{"a"}}
	more := map[string]any{"properties": map[string]any{"a": map[string]any{"type": "string"}, "b": 1}, "required": []any{"a", "b"}}
	if lost := shrunk("", was, more); len(lost) != 0 {
		t.Errorf("growing is allowed: %v", lost)
	}
	other := map[string]any{"properties": map[string]any{"a": map[string]any{"type": "number"}}, "required": []any{"a"}}
	if lost := shrunk("", was, other); len(lost) != 1 {
		t.Errorf("a changed type: %v", lost)
	}
	if lost := shrunk("", more, was); len(lost) != 2 {
		t.Errorf("a removed field: %v", lost)
	}
}
