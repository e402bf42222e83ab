package record

import (
	"slices"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// command is what a command line above its output tells about that output.
type command struct {
	timers, wide bool
	otherOnly    bool      // ss was not asked for TCP
	state        tcp.State // ss was asked for one state, which it then does not print
}

// noise takes shell prompts and what shells, sudo, ss and netstat say besides.
func (p *parser) noise() bool {
	line := p.text
	for _, known := range [...]string{
		"[sudo] ", "sudo: ", "(Not all processes", "will not be shown, you would", "(No info could be read", "Every ", "RTNETLINK answers", "Cannot open netlink",
		"warning, got bogus", "Password:", "Connection to ", "Last login", "```", "--", "==> ", "Total: ", "Cannot find", "grep: ",
	} {
		if strings.HasPrefix(line, known) {
			return true
		}
	}
	typed, ok := afterPrompt(line)
	if !ok {
		return false
	}
	p.begin("")
	p.command = parseCommand(typed)
	return true
}

// afterPrompt returns what was typed after a shell's prompt: "$ ", "# ", "bob@web:~$ ", "[root@web ~]# ", "+ " of set -x; or a command without one.
func afterPrompt(line string) (string, bool) {
	for _, sign := range [...]string{"$", "#", "%", "+", "❯", "➜"} {
		before, after, found := strings.Cut(line, sign)
		if found && (after == "" || after[0] == ' ') && (before == "" || strings.ContainsAny(before, "@[~") && len(before) < 64) {
			return after, true
		}
	}
	w := words{line}
	for _, program := range [...]string{"ss", "netstat", "sudo", "watch"} {
		if w.peek() == program {
			return line, true
		}
	}
	if w.next() == "cat" && strings.Contains(w.peek(), "/net/tcp") {
		return line, true
	}
	return "", false
}

// parseCommand looks for the options of ss and netstat in a command line.
func parseCommand(typed string) command {
	var c command
	args := strings.Fields(typed)
	for len(args) > 0 {
		program := args[0][strings.LastIndexByte(args[0], '/')+1:]
		args = args[1:]
		if program != "ss" && program != "netstat" {
			continue
		}
		n := slices.IndexFunc(args, func(a string) bool { return a == "|" || a == ";" || a == "&&" || a == ">" })
		if n < 0 {
			n = len(args)
		}
		c.options(program, args[:n])
	}
	return c
}

func (c *command) options(program string, args []string) {
	var letters string
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "--"):
			c.timers = c.timers || arg == "--options" && program == "ss"
			c.wide = c.wide || arg == "--wide"
			if arg == "--tcp" {
				letters += "t"
			}
		case strings.HasPrefix(arg, "-"):
			letters += arg[1:]
		case arg == "state" && i+1 < len(args) && program == "ss":
			if set, err := tcp.ParseStateSet(args[i+1]); err == nil {
				c.state = single(set)
			}
		}
	}
	if program == "ss" {
		c.timers = c.timers || strings.Contains(letters, "o")
		c.otherOnly = strings.ContainsAny(letters, "uxwSdf0") && !strings.Contains(letters, "t")
	}
	c.wide = c.wide || strings.Contains(letters, "W")
}

// single returns the state of a set that has but one, 0 for others. A half-open connection has two numbers.
func single(set tcp.StateSet) tcp.State {
	for s := tcp.Established; s <= tcp.Closing; s++ {
		if set&^tcp.SetOf(tcp.NewSynRecv) == tcp.SetOf(s) {
			return s
		}
	}
	return 0
}
