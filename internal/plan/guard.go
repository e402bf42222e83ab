package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// Draft is a change in the making.
type Draft struct {
	Steps  []report.Step
	Groups []report.Group
	// Sockets is how many sockets the steps touch.
	Sockets int
	// Together says that a step that fails takes the others back.
	Together bool
	risks    []risk
	refused  []report.Refusal
}

// risk is a named risk that the change bears, and why.
type risk struct{ name, why string }

// Risk notes that the change bears a risk. Only the first reason for each is kept.
func (d *Draft) Risk(name, why string) {
	if !slices.ContainsFunc(d.risks, func(r risk) bool { return r.name == name }) {
		d.risks = append(d.risks, risk{name, why})
	}
}

// Refuse notes a reason for which the change cannot be made as it stands, with the flags that would overrule it, "" when none do.
func (d *Draft) Refuse(why, acceptWith string) {
	d.refused = append(d.refused, report.Refusal{Why: why, AcceptWith: acceptWith})
}

// Guard is what the user allows.
type Guard struct {
	// Max is the largest number of sockets a change may touch.
	Max int
	// Accept lists the risks that are accepted.
	Accept []string
}

// ParseRisks parses the value of --accept-risk: names of risks with commas between them.
func ParseRisks(text string) ([]string, error) {
	var list []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(report.Risks(), name) {
			return nil, fmt.Errorf("%q is no risk; the risks are %s", name, strings.Join(report.Risks(), ", "))
		}
		list = append(list, name)
	}
	return list, nil
}

// Judge completes the head of a change with the risks of a draft and the refusals that the guard leaves. sockets is the number of sockets it touches.
func (g Guard) Judge(d *Draft, head *report.ChangeHead, sockets int) {
	head.Together = d.Together
	head.Risks, head.Refused = []string{}, slices.Clone(d.refused)
	if head.Refused == nil {
		head.Refused = []report.Refusal{}
	}
	if sockets > g.Max {
		head.Refused = append(head.Refused, report.Refusal{
			Why: fmt.Sprintf("%d sockets are more than --max %d", sockets, g.Max), AcceptWith: maxFlag + strconv.Itoa(sockets),
		})
	}
	for _, name := range report.Risks() {
		i := slices.IndexFunc(d.risks, func(r risk) bool { return r.name == name })
		if i < 0 {
			continue
		}
		head.Risks = append(head.Risks, name)
		if !slices.Contains(g.Accept, name) {
			head.Refused = append(head.Refused, report.Refusal{Why: d.risks[i].why, AcceptWith: "--accept-risk=" + name})
		}
	}
}

const maxFlag = "--max "

// MaxRefusal reports whether a refusal is about the number of sockets.
func MaxRefusal(r report.Refusal) bool { return strings.HasPrefix(r.AcceptWith, maxFlag) }

// Insist joins the flags that would overrule all refusals: "" when one of them cannot be overruled.
func Insist(refused []report.Refusal) string {
	var flags, risks []string
	for _, r := range refused {
		name, isRisk := strings.CutPrefix(r.AcceptWith, "--accept-risk=")
		switch {
		case r.AcceptWith == "":
			return ""
		case isRisk:
			risks = append(risks, name)
		case !slices.Contains(flags, r.AcceptWith):
			flags = append(flags, r.AcceptWith)
		}
	}
	if len(risks) > 0 {
		flags = append(flags, "--accept-risk="+strings.Join(risks, ","))
	}
	return strings.Join(flags, " ")
}
