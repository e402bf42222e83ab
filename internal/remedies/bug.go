package remedies

import (
	"embed"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// bugs are the texts on what is wrong and where to look, one file for each runtime and any.txt for the rest. A section begins with the codes it is for, and
// the role where it matters:
//
//	= CW101 CW110 client
//	what is wrong, in lines of one paragraph
//	> a command | what it shows
//
// {pid} stands for the holder's number, {port} for the local port. A runtime's sections come before those of any.txt, those with a role before those without. What
// any.txt has for the role "unanswered", for servers that owe an answer on most of their sockets, comes before what a runtime has and instead of what is for any. The commands of its section "= threads" are added where it matters what threads do.
//
//go:embed bugs/*.txt
var bugs embed.FS

// bug is what is wrong and where to look for it, nil where no program is to blame.
func (c *Case) bug() *report.Bug {
	own, all := sections(c.runtime), sections("any")
	what, look := "", []report.Command{}
	for _, s := range []*section{find(own, c.Code, c.role()), find(all, c.Code, c.role())} {
		if s == nil {
			continue
		}
		if what == "" {
			what = c.fill(s.what)
		}
		look = append(look, c.commands(s)...)
		if len(look) > 0 {
			break
		}
	}
	if s := find(all, c.Code, unanswered); s != nil && s.role == unanswered && c.owes() {
		specific := ""
		if find(own, c.Code, c.role()) != nil {
			specific = what
		}
		what = strings.TrimSpace(c.fill(s.what) + " " + specific)
	}
	if what == "" {
		return nil
	}
	if threads := find(own, "threads", ""); threads != nil && aboutThreads[c.Code] {
		look = append(look, c.commands(threads)...)
	}
	b := &report.Bug{What: what, Look: look}
	if c.runtime != "" {
		b.Runtime = new(string(c.runtime))
	}
	return b
}

// aboutThreads are the causes that lie in what threads do.
var aboutThreads = map[string]bool{"CW101": true, "CW102": true, "CW104": true, "CW105": true, "CW106": true, "CW107": true}

// unanswered is the role of sections for servers that owe answers.
const unanswered = "unanswered"

// owes reports whether most of the sockets are a server's that has read what came and sent nothing since.
func (c *Case) owes() bool { return c.Unanswered != nil && 2**c.Unanswered > c.Count }

func (c *Case) role() string {
	if c.Role == nil {
		return ""
	}
	return *c.Role
}

func (c *Case) commands(s *section) []report.Command {
	var list []report.Command
	for _, k := range s.look {
		command := c.fill(k.Command)
		switch program, _, _ := strings.Cut(command, " "); {
		case servers[program] != (server{}):
			command = c.ask(strings.ReplaceAll(k.Command, "{pid}", c.inner(c.pid())))
		case slices.Contains(networked, program):
			command = c.within(command)
		}
		list = append(list, report.Command{Command: command, Shows: c.fill(k.Shows)})
	}
	return list
}

// networked are the programs of those commands that ask the network they run in.
var networked = []string{"ss", "nstat", "curl"}

// fill puts the numbers of this case into a text.
func (c *Case) fill(text string) string {
	port := "PORT"
	if c.Local != nil {
		port = strconv.Itoa(int(c.Local.Port))
	}
	return strings.NewReplacer("{pid}", c.pid(), "{port}", port).Replace(text)
}

// section is one section of a file.
type section struct {
	codes []string
	role  string
	what  string
	look  []report.Command
}

// find returns the section for a code and role, the one with the role before the one without; nil if there is none.
func find(list []section, code, role string) *section {
	var plain *section
	for i := range list {
		s := &list[i]
		for _, each := range s.codes {
			if each != code {
				continue
			}
			switch s.role {
			case "":
				plain = s
			case role:
				return s
			}
		}
	}
	return plain
}

// sections parses the file of a runtime. One that is not recognised has none.
func sections(r Runtime) (list []section) {
	if r == "" {
		return nil
	}
	text, _ := bugs.ReadFile("bugs/" + string(r) + ".txt") // that each runtime has its file is tested
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		heading, isHeading := strings.CutPrefix(line, "= ")
		command, isCommand := strings.CutPrefix(line, "> ")
		switch {
		case isHeading:
			list = append(list, headed(heading))
		case line == "" || len(list) == 0:
		case isCommand:
			s := &list[len(list)-1]
			command, shows := cutLast(command, " | ") // commands have pipes, too
			s.look = append(s.look, report.Command{Command: command, Shows: shows})
		default:
			s := &list[len(list)-1]
			s.what = strings.TrimSpace(s.what + " " + line)
		}
	}
	return list
}

// cutLast cuts a text at the last separator; without one all is before it.
func cutLast(text, separator string) (before, after string) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i+len(separator):]
}

func headed(heading string) section {
	s := section{codes: strings.Fields(heading)}
	if last := s.codes[len(s.codes)-1]; last == "client" || last == "server" || last == unanswered {
		s.codes, s.role = s.codes[:len(s.codes)-1], last
	}
	return s
}
