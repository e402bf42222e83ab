package render

import (
	"io"

	"github.com/closewait/closewait/internal/look"
)

// chunk is how much a TSV collects before it writes.
const chunk = 64 << 10

// TSVWriter writes rows for programs: one row a line, all columns, separated by tabs, nothing shortened; durations as decimal seconds, sizes as
// bytes, unknown as "-". It allocates one buffer, whatever the number of rows.
type TSVWriter struct {
	w    io.Writer
	cols []Column
	b    []byte
	line func([]byte, *look.Row) []byte // in place of cols when set
}

// NewTSV returns a writer of these columns. With header a first line has their keys.
func NewTSV(w io.Writer, cols []Column, header bool) *TSVWriter {
	t := &TSVWriter{w: w, cols: cols, b: make([]byte, 0, chunk+4096)}
	if header {
		t.b = append(append(t.b, Keys(cols)...), '\n')
	}
	return t
}

// Row writes a row, or keeps it until there are more.
func (t *TSVWriter) Row(r *look.Row) error {
	if t.line != nil {
		t.b = t.line(t.b, r)
	} else {
		t.b = appendRow(t.b, r, t.cols)
	}
	if len(t.b) < chunk {
		return nil
	}
	return t.Flush()
}

// Flush writes what was kept.
func (t *TSVWriter) Flush() error {
	if len(t.b) == 0 {
		return nil
	}
	_, err := t.w.Write(t.b)
	t.b = t.b[:0]
	return err
}

// TSV writes rows that are all there, see TSVWriter.
func TSV(w io.Writer, rows []look.Row, cols []Column, header bool) error {
	t := NewTSV(w, cols, header)
	for i := range rows {
		if err := t.Row(&rows[i]); err != nil {
			return err
		}
	}
	return t.Flush()
}

func appendRow(b []byte, r *look.Row, cols []Column) []byte {
	for i := range cols {
		b = append(cols[i].TSV(b, r), '\t')
	}
	if len(cols) == 0 {
		return append(b, '\n')
	}
	b[len(b)-1] = '\n'
	return b
}

// NameColumns are the columns of a list of names: the cookie, by which a single socket can be asked for again.
func NameColumns() []Column { return []Column{{Key: "cookie", TSV: appendCookie}} }
