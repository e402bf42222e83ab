package render

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// Ticket is an answer to be kept with a ticket: everything a reader needs who has neither the host nor this program.
type Ticket struct {
	Report *report.Report
	Rows   []look.Row // the sockets, of which those of findings are listed
	// Limits are the settings of a namespace by their name below net.ipv4, and LimitsIn is what that is called.
	Limits   map[string]int64
	LimitsIn string
	// Writer is the version of the program, Redacted says that names are substitutes.
	Writer   string
	Redacted bool
	// Whole lists all sockets of each finding, not the first few.
	Whole bool
}

// Markdown writes the ticket as Markdown, in which nothing that others chose has a meaning.
func Markdown(w io.Writer, t *Ticket) error { return t.write(w, &markdown{}) }

// HTML writes the ticket as one HTML file: no scripts, nothing that a browser would have to fetch.
func HTML(w io.Writer, t *Ticket) error { return t.write(w, &hypertext{}) }

// sheet is what a ticket is written on. Texts are plain; the sheet makes them harmless.
type sheet interface {
	heading(level int, text string)
	// facts are pairs of a word and what there is to say, commands those of a command and what it does.
	facts(pairs [][2]string)
	commands(pairs [][2]string)
	list(items []string)
	table(titles []string, rows [][]string)
	// bytes returns the whole document under its title.
	bytes(title string) []byte
}

func (t *Ticket) write(w io.Writer, s sheet) error {
	p := &page{Style: Style{Now: t.Report.TakenAt, Verbose: true}, report: t.Report}
	title := t.title(p)
	s.heading(1, title)
	s.facts(t.circumstances(p))
	if len(t.Report.Findings) == 0 {
		s.list([]string{"Nothing is stuck, as far as could be seen."})
	}
	for i := range t.Report.Findings {
		t.finding(s, finding{&t.Report.Findings[i], p})
	}
	t.background(s, p)
	_, err := w.Write(s.bytes(title))
	return err
}

// title says how bad it is, and where.
func (t *Ticket) title(p *page) string {
	counts := map[string]int{}
	for i := range t.Report.Findings {
		counts[t.Report.Findings[i].Severity]++
	}
	var parts []string
	if n := counts[report.SeverityCritical]; n > 0 {
		parts = append(parts, strconv.Itoa(n)+" critical")
	}
	if n := counts[report.SeverityWarning]; n > 0 {
		parts = append(parts, plural(n, "warning"))
	}
	if n := counts[report.SeverityInfo]; n > 0 {
		parts = append(parts, plural(n, "remark"))
	}
	if parts == nil {
		parts = []string{"nothing is stuck"}
	}
	name := "TCP sockets"
	if t.Report.Host.Name != "" {
		name += " of " + p.text(t.Report.Host.Name)
	}
	return name + ": " + strings.Join(parts, ", ")
}

// circumstances are the facts about the look itself.
func (t *Ticket) circumstances(p *page) [][2]string {
	r := t.Report
	pairs := [][2]string{{"taken", r.TakenAt.UTC().Format("2006-01-02 15:04:05 UTC")}}
	if r.Host.Kernel != "" {
		pairs = append(pairs, [2]string{"kernel", p.text(r.Host.Kernel)})
	}
	pairs = append(pairs, [2]string{"looked at", plural(r.Totals.Sockets, "TCP socket") + " in " + plural(r.Totals.Netns, "network namespace")})
	if t.Writer != "" {
		pairs = append(pairs, [2]string{"by", "closewait " + p.text(t.Writer)})
	}
	if t.Redacted {
		pairs = append(pairs, [2]string{"redacted", "names, addresses and command lines are substitutes, the same one by the same; numbers are true"})
	}
	return pairs
}

// finding tells one finding with everything that is known of it.
func (t *Ticket) finding(s sheet, f finding) {
	_, word, _ := f.severity()
	s.heading(2, strings.TrimSpace(word)+" "+f.page.text(f.Code)+": "+f.headline())
	var facts [][2]string
	add := func(label, body string) {
		if body != "" {
			facts = append(facts, [2]string{label, body})
		}
	}
	if f.CausedBy != nil {
		add("cause", "a consequence of "+f.reference(*f.CausedBy))
	}
	add("who", f.who())
	for i := range f.Processes[:min(len(f.Processes), mostProcesses)] {
		add("process", f.process(&f.Processes[i]))
	}
	add("peer", f.peer())
	add("since", f.since())
	add("limit", f.limitReached())
	add("ends", f.ends())
	for i := range f.Culprits {
		add("to blame", f.culprit(&f.Culprits[i]))
	}
	add("meaning", meanings[f.Code])
	s.facts(facts)
	f.evidence(s)
	f.advice(s)
	t.sockets(s, f)
}

// mostProcesses is how many processes of a finding are listed.
const mostProcesses = 10

func (f finding) process(p *report.Process) string {
	words := "pid " + strconv.Itoa(p.PID) + " " + f.page.text(p.Comm)
	if p.StartTime != nil {
		words += ", since " + p.StartTime.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if p.Cmdline != nil {
		words += ": " + f.page.text(*p.Cmdline)
	}
	return words
}

// evidence lists what was seen, and how to see it again.
func (f finding) evidence(s sheet) {
	if len(f.Evidence) > 0 {
		s.heading(3, "What was seen")
		var items []string
		for _, sentence := range f.Evidence {
			items = append(items, f.page.text(sentence))
		}
		s.list(items)
	}
	s.heading(3, "How to see it again")
	commands := f.typed(f.Verify)
	if n := min(len(f.Processes), mostProcesses); n > 0 {
		var pids []string
		for i := range f.Processes[:n] {
			pids = append(pids, strconv.Itoa(f.Processes[i].PID))
		}
		commands = append(commands, [2]string{"ps -o pid,lstart,args -p " + strings.Join(pids, ","), "the processes, and since when they run"})
	}
	code := f.page.text(f.Code)
	s.commands(append(commands,
		[2]string{"closewait ls 'code " + code + "'", "the sockets with that verdict now"},
		[2]string{"closewait explain " + code, "what it means, what proves it and what does not help"}))
}

// advice is what helps, what does not, and where the mistake is.
func (f finding) advice(s sheet) {
	if len(f.Remedies) > 0 {
		s.heading(3, "What helps")
		var pairs [][2]string
		for _, r := range f.Remedies {
			effect := f.page.text(r.Effect)
			if r.Risk != "" {
				effect += ". Risk: " + f.page.text(r.Risk)
			}
			pairs = append(pairs, [2]string{f.page.text(r.Command), effect})
		}
		s.commands(pairs)
	}
	if len(f.NotRemedies) > 0 {
		s.heading(3, "What does not help")
		var items []string
		for _, n := range f.NotRemedies {
			items = append(items, f.page.text(n.What)+": "+f.page.text(n.Why))
		}
		s.list(items)
	}
	if f.Bug != nil {
		s.heading(3, "What is wrong in the program")
		s.list([]string{f.page.text(f.Bug.What)})
		s.commands(f.typed(f.Bug.Look))
	}
}

func (f finding) typed(list []report.Command) (pairs [][2]string) {
	for _, c := range list {
		pairs = append(pairs, [2]string{f.page.text(c.Command), f.page.text(c.Shows)})
	}
	return pairs
}

// sockets lists the sockets of a finding.
func (t *Ticket) sockets(s sheet, f finding) {
	columns := slices.DeleteFunc(ordinary(socketColumns), func(c Column) bool { return c.Key == "code" || c.Key == "cause" })
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.Header)
	}
	var rows [][]string
	left := 0
	for i := range t.Rows {
		switch r := &t.Rows[i]; {
		case r.Finding != f.ID:
		case len(rows) >= mostSockets && !t.Whole:
			left++
		default:
			cells := make([]string, len(columns))
			for c := range columns {
				cells[c] = string(columns[c].appendText(nil, r))
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		return
	}
	s.heading(3, "Sockets")
	s.table(titles, rows)
	if left > 0 {
		s.list([]string{Thousands(left) + " more are not listed"})
	}
}

// background is what stands behind all findings: the states, the settings, and what could not be read.
func (t *Ticket) background(s sheet, p *page) {
	var rows [][]string
	for _, state := range stateLabels {
		if n := t.Report.Totals.ByState[state.key]; n > 0 {
			rows = append(rows, []string{state.label, Thousands(n)})
		}
	}
	if rows != nil {
		s.heading(2, "States")
		s.table([]string{"state", "sockets"}, rows)
		s.commands([][2]string{{"closewait ls | cut -f 2 | sort | uniq -c", "the same now, of all namespaces; --netns limits it to some"}})
	}
	rows = nil
	for name, value := range t.Limits {
		rows = append(rows, []string{"net.ipv4." + p.text(name), strconv.FormatInt(value, 10)})
	}
	if rows != nil {
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		title := "Settings"
		if t.LimitsIn != "" {
			title += " in the network namespace " + p.text(t.LimitsIn)
		}
		s.heading(2, title)
		s.table([]string{"setting", "value"}, rows)
		s.commands([][2]string{{"sysctl -a --pattern '^net.ipv4.tcp_'", "the same now, where it is run in that namespace: each has settings of its own"}})
	}
	var items []string
	for _, n := range t.Report.Incomplete {
		item := p.text(n.Code) + ": " + p.text(n.Message)
		if n.Remedy != "" {
			item += " (" + p.text(n.Remedy) + ")"
		}
		items = append(items, item)
	}
	if items != nil {
		s.heading(2, "What could not be read")
		s.list(items)
	}
}
