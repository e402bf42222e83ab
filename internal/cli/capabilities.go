package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// Capabilities is the document of "closewait capabilities".
type Capabilities struct {
	report.Header
	Capabilities []Capability `json:"capabilities"`
}

func (a *app) capabilitiesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "capabilities",
		Short:   "what this tool can do here, and what it lacks",
		Example: "closewait capabilities\nsudo closewait capabilities         # what more root would see\nclosewait capabilities -o json",
		Long: `Each capability is available, missing, or unknown when that could not be found
out. What would help stands beside or below a missing one. Every command takes
--no-bpf: it then uses no BPF programs and takes longer for the same answer.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.capabilities(cmd.Context()) },
	}
}

func (a *app) capabilities(ctx context.Context) error {
	list := []Capability{}
	if a.cfg.Capabilities != nil {
		found, err := a.capable(ctx)
		if err != nil {
			return a.hung()
		}
		list = append(list, found...)
	}
	for i := range list {
		if c := &list[i]; c.Name == nameBPF && a.flags.noBPF {
			c.Detail += "; not used: --no-bpf"
		}
	}
	switch {
	case a.flags.json():
		return a.writeObject(Capabilities{a.header("Capabilities"), list})
	case a.flags.output == formatName:
		for _, c := range list {
			fmt.Fprintln(a.out, render.Clean(c.Name))
		}
		return nil
	}
	titles, cells := []string{"name", "status", "detail", "remedy"}, [][]string{}
	if a.tabular() {
		return render.Text(a.out, titles[:3], capabilityRows(list), !a.flags.noHeaders, a.style())
	}
	for _, c := range list {
		cells = append(cells, []string{c.Name, c.Status, c.Detail, c.Remedy})
	}
	return render.TextTSV(a.out, titles, cells, a.flags.headers)
}

// capabilityRows are the rows of a table for people; what would help stands below, where it is not cut off.
func capabilityRows(list []Capability) [][]string {
	rows := [][]string{}
	for _, c := range list {
		rows = append(rows, []string{c.Name, c.Status, c.Detail})
		if c.Remedy != "" {
			rows = append(rows, []string{"", "", "→ " + c.Remedy})
		}
	}
	return rows
}
