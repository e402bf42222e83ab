package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// file plans the drop-in.
func (t *Tuning) file(d *Draft) {
	p := t.Persist
	step := report.Step{Action: report.ActionFile, Target: p.Path, After: report.Text(p.After), Undoable: true, SurvivesReboot: true}
	sign, title := "+", p.Path+"  (new)"
	switch {
	case p.Before == nil:
	case *p.Before == p.After:
		step.Before, sign, title = step.After, "=", p.Path+"  (sets that already)"
	default:
		step.Before, sign, title = report.Text(*p.Before), "~", p.Path+"  (written by closewait before)"
	}
	d.Steps = append(d.Steps, step)
	lines := []report.Line{{Label: "effect", Text: "the next boot sets " + t.assignments() + " in the host's namespace; namespaces made later begin with the kernel's defaults"}}
	for _, text := range slices.Concat(t.lost(), t.doubts()) {
		lines = append(lines, report.Line{Label: "!", Text: text})
	}
	switch {
	case len(p.Lost) > 0 && p.Better != "":
		lines = append(lines, report.Line{Label: "better", Text: "--persist-as " + p.Better + ", or edit that line"})
	case len(p.Lost) > 0:
		lines = append(lines, report.Line{Label: "better", Text: "edit that line: no file of sysctl.d is read after it"})
	}
	d.Groups = append(d.Groups, report.Group{Sign: sign, Title: title, Steps: 1, Undoable: true, Lines: lines})
}

// lost names the lines that decide instead of the file.
func (t *Tuning) lost() []string {
	var texts []string
	for _, l := range t.Persist.Lost {
		when := "wins with " + strings.Join(l.Loaders, " and ")
		if slices.Contains(l.Loaders, t.Persist.Loader) {
			when = "WINS at boot (" + t.Persist.Loader + ")"
		}
		by := ""
		if l.Line.By != "" {
			by = "; " + l.Line.By + " writes that file"
		}
		texts = append(texts, fmt.Sprintf("%s:%d sets %s=%s and %s%s", l.Line.File, l.Line.Number, l.Key, l.Line.Value, when, by))
	}
	return texts
}

// doubts are the reasons why the next boot may come out otherwise.
func (t *Tuning) doubts() []string {
	var texts []string
	if t.Persist.Loader == "" {
		texts = append(texts, "no program was seen here that reads sysctl.d at boot, as in a container")
	}
	if !slices.ContainsFunc(t.Targets, func(s look.Settings) bool { return s.Name == "host" }) {
		texts = append(texts, "the host's namespace, which the file is for, is not among those changed now")
	}
	if slices.ContainsFunc(t.Wanted, func(w Wanted) bool { return w.Dir == "net.netfilter" }) {
		texts = append(texts, "settings of conntrack are there only if the module nf_conntrack is loaded before (/etc/modules-load.d)")
	}
	for _, path := range t.Persist.Unread {
		texts = append(texts, path+" could not be read and may decide otherwise")
	}
	for _, m := range t.Managers {
		texts = append(texts, managed(m))
	}
	return texts
}

func managed(m look.Manager) string {
	if m.Name == "TuneD" {
		return fmt.Sprintf("TuneD is here (profile %s, %s): what its profile sets and no file of sysctl.d names, it sets again", cmp.Or(m.Detail, "not known"), m.Sign)
	}
	return m.Name + " is here (" + m.Sign + "): it may write other values, or remove the file"
}

func (t *Tuning) assignments() string {
	var list []string
	for i := range t.Wanted {
		list = append(list, t.Wanted[i].Name+"="+t.Wanted[i].shown())
	}
	return strings.Join(list, ", ")
}
