package checkup

import (
	"fmt"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
)

// unbooted is why nothing can be said of the next boot.
func unbooted(s *look.Snapshot) string {
	switch {
	case s.Boot == nil:
		return "the files of the next boot were not read"
	case s.Boot.Loader == "":
		return "what sets values at boot is not known here: a container, or neither systemd nor an init script of procps"
	}
	return ""
}

// bootDiffers claims that the next boot gives settings other values than they have now: a warning where a file says so, a remark where only the value is that of no file and not the
// kernel's own, for a program may set it whenever it starts. Files that could not be read refute it.
func bootDiffers(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	if skipped = unbooted(s); skipped != "" {
		return nil, skipped, ""
	}
	var written, unwritten []string
	unread := false
	for i := range s.Boot.Values {
		v := &s.Boot.Values[i]
		switch {
		case v.Running == "":
		case len(v.Unread) > 0:
			unread = true
		case v.Winner != nil && !same(v.Value, v.Running):
			written = append(written, fmt.Sprintf("%s is %s; the next boot makes it %s (%s)", v.Key, value(v.Running), value(v.Value), place(v.Winner)))
		case v.Winner == nil && v.Default != "" && !same(v.Default, v.Running):
			unwritten = append(unwritten, fmt.Sprintf("%s is %s; no file says so, and the kernel begins with %s", v.Key, value(v.Running), value(v.Default)))
		}
	}
	switch managers := managers(s.Boot); {
	case len(written) > 0:
		found = single(report.SeverityWarning, append(append(written, unwritten...), managers...))
	case len(unwritten) > 0:
		found = single(report.SeverityInfo, append(unwritten, managers...))
	case unread:
		skipped = "files of the next boot could not be read"
	}
	return found, skipped, "read as " + s.Boot.Loader + " does"
}

// managers says who may write settings besides the files.
func managers(b *look.Boot) (sentences []string) {
	for _, m := range b.Managers {
		sentence := m.Name + " is on this host and may write settings of its own (" + m.Sign
		if m.Detail != "" {
			sentence += ": " + m.Detail
		}
		sentences = append(sentences, sentence+")")
	}
	return sentences
}

// overridden claims that a line that somebody wrote into /etc or /run has no effect, because another one wins. Files of the distribution are meant to be overridden.
func overridden(s *look.Snapshot) (found []report.Finding, skipped, note string) {
	if skipped = unbooted(s); skipped != "" {
		return nil, skipped, ""
	}
	known := map[string]setting.Setting{}
	for _, each := range setting.All() {
		known[each.Key()] = each
	}
	var evidence []string
	for i := range s.Boot.Values {
		v := &s.Boot.Values[i]
		for j := range v.Others {
			line := &v.Others[j]
			of, ok := known[v.Key]
			shown, err := of.Parse(line.Value)
			own := strings.HasPrefix(line.File, "/etc/") || strings.HasPrefix(line.File, "/run/")
			if v.Winner == nil || !ok || !own || err == nil && same(shown, v.Value) {
				continue
			}
			evidence = append(evidence, fmt.Sprintf("%s sets %s=%s, but %s (%s) wins at boot", place(line), v.Key, value(line.Value), place(v.Winner), value(v.Value)))
		}
	}
	return single(report.SeverityInfo, evidence), "", "read as " + s.Boot.Loader + " does"
}

// place is where a line stands, and who wrote it where that is known.
func place(l *look.BootLine) string {
	where := fmt.Sprintf("%s:%d", l.File, l.Number)
	if l.By != "" {
		where += ", written by " + l.By
	}
	return where
}

// same compares values as the kernel shows them: several numbers are separated by tabs there and by spaces in files.
func same(a, b string) bool { return value(a) == value(b) }

func value(text string) string { return strings.Join(strings.Fields(text), " ") }
