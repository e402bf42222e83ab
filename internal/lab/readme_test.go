package lab_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/report"
)

// claim is a cell of the README's table of remedies.
type claim struct{ scene, command, freed string }

// claims reads that table: scenes in its heading, commands in its first column.
func claims(t *testing.T) (all []claim) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var scenes []string
	for line := range strings.Lines(string(readme)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		switch {
		case cells[0] == "done about it":
			scenes = cells[1:]
		case !strings.HasPrefix(line, "|"):
			scenes = nil
		case len(scenes) == len(cells)-1 && !strings.HasPrefix(cells[0], "-"):
			for i, scene := range scenes {
				all = append(all, claim{scene, cells[0], cells[i+1]})
			}
		}
	}
	return all
}

// holdReadme holds what the README says that remedies do against what they did, and that forecasts came true.
func holdReadme(t *testing.T, scenes []report.LabScene) {
	t.Helper()
	table := claims(t)
	if len(table) < 16 {
		t.Errorf("the README claims %v", table)
	}
	for _, c := range table {
		i := slices.IndexFunc(scenes, func(s report.LabScene) bool {
			return s.Name == c.scene && s.Remedy != nil && s.Remedy.Command == c.command
		})
		if i < 0 {
			t.Errorf("the README tells of %s in %s, which was not played", c.command, c.scene)
			continue
		}
		if got := did(scenes[i].Remedy); got != c.freed {
			t.Errorf("%s in %s: the README says %q, and it was %q", c.command, c.scene, c.freed, got)
		}
		if freed := scenes[i].Remedy.Freed; freed.FDs != 0 || freed.AcceptQueuePlaces != 0 {
			t.Errorf("%s in %s: the README says that none gives back a descriptor or a place in a queue, and it was %+v", c.command, c.scene, freed)
		}
	}
}

// did is what a remedy did, in the words of the README.
func did(r *report.LabRemedy) string {
	switch ended := r.Freed.Sockets - r.ByThemselves; {
	case r.Refused != nil:
		return "refused"
	case ended == 0:
		return "nothing"
	case ended == r.Sockets:
		return "ends them"
	}
	return "ends some"
}
