package render

import (
	"io"

	"github.com/closewait/closewait/internal/look"
)

// chunk is how much a TSV collects before it writes.
const chunk = 64 << 10

// TSV writes rows for programs: one row a line, all columns, separated by tabs, nothing shortened; durations as decimal seconds, sizes as bytes, unknown as
// "-". With header a first line has the keys of the columns. It allocates one buffer, whatever the number of rows.
func TSV(w io.Writer, rows []look.Row, cols []Column, header bool) error {
	b := make([]byte, 0, chunk+4096)
	if header {
		b = append(append(b, Keys(cols)...), '\n')
	}
	for i := range rows {
		b = appendRow(b, &rows[i], cols)
		if len(b) >= chunk {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if len(b) == 0 {
		return nil
	}
	_, err := w.Write(b)
	return err
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

// Names writes one cookie a line: the name by which a single socket can be asked for again.
func Names(w io.Writer, rows []look.Row) error {
	return TSV(w, rows, []Column{{TSV: appendCookie}}, false)
}
