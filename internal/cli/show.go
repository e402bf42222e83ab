package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

func (a *app) showCommand() *cobra.Command {
	var whole bool
	cmd := &cobra.Command{
		Use:   "show WHAT",
		Short: "one workload, pid, peer, port, socket or finding, in depth",
		Example: `sudo closewait show payments-api         # unit, container, pod or command
sudo closewait show pid 2214             # pid, port, peer, local, unit, ...
sudo closewait show :8080                # a local or remote port
sudo closewait show 203.0.113.9          # a peer
sudo closewait show 10.0.0.3:8080-203.0.113.9:60000  # one socket
sudo closewait show f1                   # or CW101: findings of "closewait"`,
		Long: `Peers, ages, the course of time, threads, the evidence with commands that show
each figure again, the forecast, everything that helps or does not, and where
the mistake is to be looked for. A word that fits several things is refused
with the list of them; nothing found exits with 4.`,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.show(cmd.Context(), args, whole) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVar(&whole, "all", false, "list all sockets, also in JSON, not the first 20")
	return cmd
}

// show tells all that is known about one subject.
func (a *app) show(ctx context.Context, words []string, whole bool) error {
	list, err := readings(words)
	if err != nil {
		return err
	}
	return a.repeat(ctx, func(ctx context.Context, w io.Writer) error {
		s, err := a.subject(ctx, list, words)
		if err != nil {
			return err
		}
		s.Whole = whole
		if whole {
			listAll(s)
		}
		a.judge(&Answer{Report: s.Report}, !a.flags.json() && a.flags.output != formatName)
		switch a.flags.output {
		case formatJSON:
			return writeDocument(w, normalized(s.Report))
		case formatNDJSON:
			return writeReportLines(w, s.Report)
		case formatName:
			return render.TSV(w, s.Rows, render.NameColumns(), false)
		}
		style := a.screenStyle()
		style.Height = 0 // in depth: what is longer than the screen is scrolled
		return render.Show(w, s, style)
	})
}

// subject looks at the host and finds the one reading that has sockets or findings.
func (a *app) subject(ctx context.Context, list []reading, words []string) (*render.Subject, error) {
	if len(list) == 1 && strings.HasPrefix(list[0].words, "cookie ") {
		var err error
		if list, err = a.byCookie(ctx, list[0]); err != nil {
			return nil, err
		}
	}
	q := Query{Rows: true, Findings: true, Threads: true}
	var filters []string
	for _, r := range list {
		filters = append(filters, r.filter)
		q.Owners = q.Owners || r.owners
	}
	q.Filter = strings.Join(filters, " or ")
	answer, err := a.look(ctx, q)
	if err != nil {
		return nil, err
	}
	arrange(answer.Rows)
	var found []*render.Subject
	for _, r := range list {
		s, err := r.of(answer)
		if err != nil {
			return nil, err
		}
		if len(s.Rows) > 0 || len(s.About) > 0 {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 0:
		return nil, a.nothing(answer, words)
	case len(found) > 1:
		return nil, ambiguous(words, namesOf(found))
	}
	return found[0], unambiguous(list, found[0], words)
}

// byCookie finds out which connection has a cookie, so that its other end can be asked for as well.
func (a *app) byCookie(ctx context.Context, r reading) ([]reading, error) {
	answer, err := a.look(ctx, Query{Rows: true, Filter: r.filter})
	if err != nil || len(answer.Rows) != 1 {
		return []reading{r}, err
	}
	socket := answer.Rows[0].Socket
	r.owners = true
	if !socket.Peer.IsValid() || socket.Peer.Port() == 0 {
		return []reading{r}, nil
	}
	both, ok := socketReading(socket.Local.String() + "-" + socket.Peer.String())
	if !ok { // an address with a zone
		return []reading{r}, nil
	}
	both.words, both.own = r.words, func(row *look.Row) bool { return row.Socket.Cookie == socket.Cookie }
	return []reading{both}, nil
}

// of takes from an answer what a reading is about.
func (r *reading) of(answer *Answer) (*render.Subject, error) {
	f, err := parseFilter(r.filter, filterOptions())
	if err != nil {
		return nil, err
	}
	s := &render.Subject{Words: r.words, Single: strings.HasPrefix(r.words, "socket ") || strings.HasPrefix(r.words, "cookie "), About: map[string]bool{}}
	for i := range answer.Rows {
		row := &answer.Rows[i]
		switch {
		case !f.Match(row):
		case r.own == nil || r.own(row):
			s.Rows = append(s.Rows, *row)
			if row.Finding != "" {
				s.About[row.Finding] = true
			}
		case s.Single:
			s.Others = append(s.Others, *row)
		}
	}
	doc := *answer.Report
	doc.Findings = []report.Finding{}
	for i := range answer.Report.Findings {
		if f := &answer.Report.Findings[i]; r.about != nil && r.about(f) {
			s.About[f.ID] = true
		}
	}
	causes := behind(answer.Report, s.About)
	for i := range answer.Report.Findings {
		if f := answer.Report.Findings[i]; s.About[f.ID] || causes[f.ID] || f.Feeds != nil && s.About[*f.Feeds] {
			doc.Findings = append(doc.Findings, f)
		}
	}
	s.Report, s.Snapshot = &doc, answer.Snapshot
	return s, nil
}

// behind returns the ids of the findings that explain some others, directly or not.
func behind(r *report.Report, others map[string]bool) map[string]bool {
	causes := map[string]*string{}
	for i := range r.Findings {
		causes[r.Findings[i].ID] = r.Findings[i].CausedBy
	}
	ids := map[string]bool{}
	for id := range others {
		for cause := causes[id]; cause != nil && !ids[*cause]; cause = causes[*cause] {
			ids[*cause] = true
		}
	}
	return ids
}

// unambiguous refuses a name that several workloads have, and a socket that is in several namespaces.
func unambiguous(list []reading, s *render.Subject, words []string) error {
	var names []string
	for i := range s.Rows {
		row := &s.Rows[i]
		var name string
		switch {
		case s.Single:
			name = "cookie " + row.Socket.Cookie.String()
			if row.Netns != nil && row.Netns.Name != "" {
				name += " in netns " + row.Netns.Name
			}
		case len(row.Processes) > 0 && len(list) == 1 && list[0].words == words[0]: // a bare name
			name = "workload " + row.Processes[0].Workload.Name
		default:
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 1 {
		return ambiguous(words, names)
	}
	return nil
}

func namesOf(found []*render.Subject) []string {
	var names []string
	for _, s := range found {
		names = append(names, s.Words)
	}
	return names
}

// mostCandidates is how many are listed when a word fits several things.
const mostCandidates = 6

func ambiguous(words, candidates []string) error {
	list := strings.Join(candidates[:min(len(candidates), mostCandidates)], ", ")
	if more := len(candidates) - mostCandidates; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return &Error{
		Exit: Usage, Code: "ambiguous", Message: fmt.Sprintf("%q may be one of these: %s", strings.Join(words, " "), list), Help: "closewait show " + candidates[0],
	}
}

// nothing is the error for a subject without sockets and findings. What could not be seen may be why.
func (a *app) nothing(answer *Answer, words []string) error {
	what := strings.Join(words, " ")
	e := &Error{Exit: Refused, Code: "not_found", Message: fmt.Sprintf("%q has no TCP socket and no finding here", what), Help: "closewait ls -p"}
	var names []string
	for i := range answer.Report.Findings {
		if w := answer.Report.Findings[i].Workload; w != nil {
			names = append(names, w.Name)
		}
	}
	e.Help = didYouMean(what, names, e.Help)
	if i := slices.IndexFunc(answer.Report.Incomplete, render.Weighs); i >= 0 {
		e.Why = "not everything could be seen: " + answer.Report.Incomplete[i].Message
		e.Help = answer.Report.Incomplete[i].Remedy
	}
	return e
}

// listAll writes the cookies of all its sockets into each finding.
func listAll(s *render.Subject) {
	for i := range s.Report.Findings {
		f := &s.Report.Findings[i]
		var cookies []string
		for j := range s.Rows {
			if s.Rows[j].Finding == f.ID {
				cookies = append(cookies, s.Rows[j].Socket.Cookie.String())
			}
		}
		if len(cookies) > len(f.Sockets) {
			f.Sockets = cookies
		}
	}
}
