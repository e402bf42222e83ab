package cli

import (
	"encoding/json"
	"io"

	"github.com/closewait/closewait/internal/report"
)

// writeDocument writes a document for programs, indented for people who look at it nevertheless.
func writeDocument(w io.Writer, doc any) error {
	enc := encoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// encoder writes JSON one value a line, with <, > and & as they are.
func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(escaping{w})
	enc.SetEscapeHTML(false)
	return enc
}

// escaping writes JSON as people may see it, too. The encoder writes each value at once.
type escaping struct{ w io.Writer }

// Write implements io.Writer.
func (e escaping) Write(b []byte) (int, error) {
	if _, err := e.w.Write(report.Escape(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// header begins a document that needs no look at the sockets.
func (a *app) header(kind string) report.Header {
	h := report.Header{Schema: report.Schema, Kind: kind, TakenAt: a.cfg.Now().UTC(), Incomplete: []report.Incomplete{}}
	if a.cfg.Host != nil {
		h.Host = a.cfg.Host()
	}
	return h
}

// headed completes the header of a look's document.
func headed(h report.Header, kind string) report.Header {
	h.Schema, h.Kind, h.TakenAt = report.Schema, kind, h.TakenAt.UTC()
	h.Incomplete = listed(h.Incomplete)
	return h
}

// listed makes an empty list of none, where null would say "not known".
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// normalized completes a report for JSON: lists are never null where the contract has no unknown for them. The report itself stays as it is.
func normalized(r *report.Report) *report.Report {
	doc := *r
	doc.Header = headed(r.Header, "Report")
	doc.Findings = make([]report.Finding, len(r.Findings))
	for i, f := range r.Findings {
		f.Peers, f.Culprits, f.Evidence = listed(f.Peers), listed(f.Culprits), listed(f.Evidence)
		f.Remedies, f.NotRemedies, f.Sockets = listed(f.Remedies), listed(f.NotRemedies), listed(f.Sockets)
		f.Verify = listed(f.Verify)
		doc.Findings[i] = f
	}
	doc.Checks = listed(r.Checks)
	if doc.Totals.ByState == nil {
		doc.Totals.ByState = map[string]int{}
	}
	return &doc
}

// findingLine is a line of a report in ndjson: the whole document comes first, then each finding on a line of its own.
type (
	findingLine struct {
		Kind string `json:"kind"`
		report.Finding
	}
	// socketLine is a socket in ndjson. Only the lines of when have what their sockets' ends would be.
	socketLine struct {
		Kind string `json:"kind"`
		report.Socket
		EndsIf *report.Ends `json:"ends_if,omitempty"`
	}
)

func writeReportLines(w io.Writer, r *report.Report) error {
	doc, lines := normalized(r), newLineWriter(w)
	if err := lines.write(doc); err != nil {
		return err
	}
	for i := range doc.Findings {
		if err := lines.write(findingLine{"Finding", doc.Findings[i]}); err != nil {
			return err
		}
	}
	return nil
}

// lineWriter writes one object a line and hands each over to the reader at once.
type lineWriter struct {
	w     io.Writer
	enc   *json.Encoder
	flush func() error
}

func newLineWriter(w io.Writer) *lineWriter {
	l := &lineWriter{w: w, enc: encoder(w), flush: func() error { return nil }}
	if f, ok := w.(interface{ Flush() error }); ok {
		l.flush = f.Flush
	}
	return l
}

func (l *lineWriter) write(object any) error {
	if err := l.enc.Encode(object); err != nil {
		return err
	}
	return l.flush()
}

// raw writes a line that is JSON already.
func (l *lineWriter) raw(line []byte) error {
	if _, err := l.w.Write(line); err != nil {
		return err
	}
	return l.flush()
}
