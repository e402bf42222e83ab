package render

import (
	"io"

	"github.com/closewait/closewait/internal/report"
)

// write prints the rows of the grid.
func (g *grid) write(w io.Writer) error {
	b := make([]byte, 0, chunk+4096)
	for r := g.first; r <= len(g.rows); r++ {
		b = append(g.appendRow(b, r), '\n')
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

func (g *grid) appendRow(b []byte, r int) []byte {
	for i, c := range g.shown {
		if i > 0 {
			b = append(b, "  "...)
		}
		b = g.appendCell(b, r, c, i == len(g.shown)-1)
	}
	return b
}

// appendCell appends a cell at its column's width; the last one of a line is not filled up with spaces.
func (g *grid) appendCell(b []byte, r, c int, last bool) []byte {
	cell := g.cell(r, c)
	width := cellWidth(cell)
	if width > g.width[c] {
		cell = []byte(g.style.cut(string(cell), g.width[c]))
		width = cellWidth(cell)
	}
	fill := g.width[c] - width
	if g.cols[c].Align == Right {
		b = appendSpaces(b, fill)
	}
	role := g.role(r, c)
	b = g.style.appendStop(append(g.style.appendStart(b, role), cell...), role)
	if g.cols[c].Align == Left && !last {
		b = appendSpaces(b, fill)
	}
	return b
}

// role colours titles and the codes of findings.
func (g *grid) role(r, c int) role {
	switch {
	case r == 0:
		return strong
	case g.cols[c].Key != "code":
		return plain
	}
	switch g.rows[r-1].Severity {
	case report.SeverityCritical:
		return critical
	case report.SeverityWarning:
		return warning
	}
	return plain
}

func appendSpaces(b []byte, n int) []byte {
	for range n {
		b = append(b, ' ')
	}
	return b
}
