package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// labStageCommand is what a process that plays a scene runs.
func (a *app) labStageCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stage SCENE SETTINGS [shell]", Hidden: true, Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return lab.Stage(cmd.Context(), args[0], args[1], len(args) > 2, lab.Verbs{Look: a.labLook, Run: a.labVerb})
		},
	}
}

// labProgramCommand is what the other processes of a scene run.
func (a *app) labProgramCommand() *cobra.Command {
	return &cobra.Command{
		Use: "program SCENE PROGRAM [ARG...]", Hidden: true, Args: cobra.MinimumNArgs(2), DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return lab.RunProgram(args[0], args[1], args[2:]) },
	}
}

// labVerb runs a verb as a script would, with a journal of its own.
func (a *app) labVerb(ctx context.Context, state string, args ...string) ([]byte, error) {
	var out, failed bytes.Buffer
	verb := &app{cfg: a.cfg, args: args, out: bufio.NewWriter(&out), notes: map[string]bool{}, ctx: ctx, got: a.got}
	verb.cfg.Streams = Streams{In: strings.NewReader(""), Out: &out, Err: &failed}
	verb.cfg.States = func() []string { return []string{state} }
	code := verb.run()
	if code == Done {
		return out.Bytes(), nil
	}
	said := report.Error{Message: fmt.Sprintf("exit code %d", code)}
	for line := range bytes.Lines(failed.Bytes()) { // notes are no objects
		_ = json.Unmarshal(line, &said)
	}
	return out.Bytes(), errors.New(said.Message)
}

// labLook answers as the verbs do.
func (a *app) labLook(ctx context.Context, netns, filter string) (*report.Report, []report.Socket, error) {
	q := Query{Netns: []string{netns}, Filter: filter}
	if filter == "" {
		q.Findings = true
	} else {
		q.Rows, q.Owners = true, true
	}
	answer, err := a.cfg.Look(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	return normalized(answer.Report), socketsJSON(answer.Rows), nil
}

func socketsJSON(rows []look.Row) []report.Socket {
	sockets := make([]report.Socket, len(rows))
	for i := range rows {
		sockets[i] = socketJSON(&rows[i])
	}
	return sockets
}
