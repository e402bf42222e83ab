package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// words splits a line as a shell does, as far as our examples need it: single quotes, and the end at a comment, a pipe or a redirection.
func words(line string) (args []string) {
	word, quoted, open := "", false, false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted, open = !quoted, true
		case quoted:
			word += string(r)
		case r == ' ' || r == ')':
			if word == "#" || word == "|" || word == ">" {
				return args
			}
			if open {
				args = append(args, word)
			}
			word, open = "", false
		default:
			word, open = word+string(r), true
		}
	}
	return args
}

// starts reports whether a command line starts processes: those would be this test binary, and run all tests again.
func starts(args []string) bool {
	return len(args) > 1 && args[0] == "lab" && args[1] != "list"
}

// acts reports whether a command line is that of an acting verb, or about a change there was.
func acts(args []string) bool {
	return len(args) > 0 && (slices.Contains([]string{"tune", "limit", "close", "apply", "confirm", "undo"}, args[0]) || args[0] == "changes" && len(args) > 1)
}

// TestExamples_run runs every example of every help text: none may be out of date.
func TestExamples_run(t *testing.T) {
	t.Chdir(t.TempDir())
	root := (&app{}).root()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		for line := range strings.Lines(cmd.Example) {
			_, line, found := strings.Cut(strings.TrimSpace(line), "closewait")
			args := words(line)
			if !found || strings.Contains(line, "man1") {
				continue
			}
			// What watches would not end, and what acts needs something to act on: of these only the flags are checked.
			if acts(args) || starts(args) || slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-w") && args[0] != "check" }) {
				args = append(args, "--help")
			}
			if _, stderr, code := run(t, nil, args...); code != 0 && !(args[0] == "doctor" && code == 1 || args[0] == "check" && code < 3) { // which are answers
				t.Errorf("closewait %q: exit %d, %s", args, code, stderr)
			}
		}
	}
}

// TestCompletion asks what shells ask: the words of a flag and of an argument, and whether names of files do as well.
func TestCompletion(t *testing.T) {
	const noFiles, files = ":4", ":0"
	for line, want := range map[string][]string{
		"ls -o ": {"ndjson", noFiles}, "ls ": {noFiles}, "completion ": {"fish", noFiles}, "record ": {files}, "when --if ": {"tcp_retries2=", ":6"}, "lim": {"limit"},
	} {
		stdout, _, code := run(t, nil, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		for _, w := range want {
			if code != 0 || !strings.Contains(stdout, w) {
				t.Errorf("%q: exit %d, no %q in %q", line, code, w, stdout)
			}
		}
	}
}
