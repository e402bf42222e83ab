package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/record"
	"github.com/closewait/closewait/internal/redact"
	"github.com/closewait/closewait/internal/render"
)

func (a *app) recordCommand() *cobra.Command {
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "record FILE|-",
		Short: "keep everything the host said, for later",
		Example: `sudo closewait record web-03.cw       # then: closewait --from web-03.cw
sudo closewait record --redact ticket.cw
ssh web-03 sudo closewait record - | closewait --from -
closewait record --redact --from web-03.cw shared.cw`,
		Long: `Takes one look and writes all of it: sockets as the kernel sent them, holders,
processes, threads, limits. Every reading verb takes the file with --from and
says then what it would have said here. --redact replaces addresses, names and
command lines by substitutes, the same ones by the same, and leaves numbers;
no verdict changes. The file is for its owner only (mode 0600). With --from
recordings are written again, several of them into one file.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] != "" {
				return nil
			}
			return usageError(cmd.CommandPath()+" --help", "record wants one file, or - for standard output")
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.record(cmd.Context(), args[0], overwrite) },
	}
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace a file that is there already")
	return cmd
}

// record writes a look, or those that --from names, to a file.
func (a *app) record(ctx context.Context, name string, overwrite bool) error {
	if a.flags.watch > 0 {
		return usageError("", "flag -w: a recording is one look; several files are a history: --from a --from b")
	}
	if name == "-" && a.cfg.OutTerminal {
		return usageError("closewait record FILE", "record -: a recording is no text for a terminal")
	}
	write := func(to func(io.Writer) error) error { return to(a.out) }
	if name != "-" {
		if err := vacant(name, overwrite); err != nil {
			return err
		}
		write = func(to func(io.Writer) error) error { return writeFile(name, overwrite, to) }
	}
	list, err := a.looks(ctx)
	if err != nil {
		return err
	}
	var size counted
	err = write(func(w io.Writer) error {
		size.Writer = w
		return record.Write(&size, list...)
	})
	if err == nil && name != "-" {
		a.note("%s: looks %d, sockets %s, bytes %s: closewait --from %s", name, len(list), render.Thousands(socketsIn(list)), render.Thousands(size.bytes), name)
	}
	return err
}

// looks are what is to be recorded.
func (a *app) looks(ctx context.Context) ([]*record.Recording, error) {
	if a.flags.from != nil {
		list, err := given(ctx, a, a.named(), a.recordings)
		if err == nil && a.flags.redact {
			list = redactAll(list)
		}
		return list, err
	}
	answer, err := a.look(ctx, Query{Findings: true, Owners: true, Whole: true})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // what a signal cut short is no recording
		return nil, ctx.Err()
	}
	a.judge(answer, false)
	return []*record.Recording{{Snapshot: answer.Snapshot, Later: answer.Later, Writer: a.build().Version, Redacted: a.flags.redact}}, nil
}

// redactAll replaces the names in all recordings by the same substitutes.
func redactAll(list []*record.Recording) []*record.Recording {
	out := redact.Of(redact.New(), list)
	sum := sha256.New()
	for _, r := range list {
		fmt.Fprintln(sum, r.Snapshot.Host.BootID, r.Snapshot.TakenAt.UnixNano())
	}
	for _, r := range out {
		r.Redacted, r.Redaction = true, hex.EncodeToString(sum.Sum(nil)[:8])
	}
	return out
}

func socketsIn(list []*record.Recording) (n int) {
	for _, r := range list {
		n += r.Snapshot.Count()
	}
	return n
}

// counted counts what is written.
type counted struct {
	io.Writer
	bytes int
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.bytes += n
	if err != nil {
		return n, fmt.Errorf("write the recording: %w", err)
	}
	return n, nil
}
