package render

import (
	"bytes"
	"io"
	"slices"

	"github.com/closewait/closewait/internal/look"
)

// Table writes rows for people: aligned, with as many columns as fit into the width; those with the greatest Priority go first. When the style has no
// width all columns are there, also those that are not Ordinary. Without header the titles are left out.
func Table(w io.Writer, rows []look.Row, cols []Column, header bool, s Style) error {
	if s.Width > 0 {
		cols = ordinary(cols)
	}
	g := newGrid(rows, cols, header, s)
	if s.Width > 0 {
		g.leaveOut()
		g.shrink()
	}
	return g.write(w)
}

// grid is a table as text: the cells of all rows in one buffer, end to end. The titles are its first row.
type grid struct {
	style Style
	rows  []look.Row
	cols  []Column
	cells []byte
	ends  []int // where cell row*len(cols)+col ends
	width []int // of each column
	shown []int // the columns that are shown
	first int   // the first row that is written: 0 is the titles
}

func newGrid(rows []look.Row, cols []Column, header bool, s Style) *grid {
	g := &grid{style: s, rows: rows, cols: cols, width: make([]int, len(cols)), ends: make([]int, 0, (len(rows)+1)*len(cols)), first: 1}
	if header {
		g.first = 0
	}
	for c := range cols {
		g.cells = append(g.cells, cols[c].Header...)
		g.ends = append(g.ends, len(g.cells))
		g.shown = append(g.shown, c)
	}
	for r := range rows {
		for c := range cols {
			start := len(g.cells)
			g.cells = cols[c].appendText(g.cells, &rows[r])
			g.toASCII(start)
			g.ends = append(g.ends, len(g.cells))
		}
	}
	for r := g.first; r <= len(rows); r++ {
		for c := range cols {
			g.width[c] = max(g.width[c], cellWidth(g.cell(r, c)))
		}
	}
	return g
}

// toASCII replaces what the style does not allow in the cell that begins at start.
func (g *grid) toASCII(start int) {
	if !g.style.ASCII || plainASCII(g.cells[start:]) {
		return
	}
	g.cells = append(g.cells[:start], g.style.text(string(g.cells[start:]))...)
}

func plainASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func cellWidth(b []byte) int {
	if plainASCII(b) {
		return len(b)
	}
	return columns(string(b))
}

func (g *grid) cell(r, c int) []byte {
	i, start := r*len(g.cols)+c, 0
	if i > 0 {
		start = g.ends[i-1]
	}
	return g.cells[start:g.ends[i]]
}

// total is the width of a line.
func (g *grid) total() int {
	sum := 2 * (len(g.shown) - 1)
	for _, c := range g.shown {
		sum += g.width[c]
	}
	return sum
}

// leaveOut gives up columns: first those that say the same in all rows, or nothing in any, then by priority from the right until the table fits.
func (g *grid) leaveOut() {
	g.shown = slices.DeleteFunc(g.shown, func(c int) bool {
		return len(g.rows) > 0 && g.cols[c].Priority > 0 && g.same(c) && (g.cols[c].Uniform || string(g.cell(1, c)) == string(unknown))
	})
	for g.total() > g.style.width() && len(g.shown) > 1 {
		worst := len(g.shown) - 1
		for i := worst; i >= 0; i-- {
			if g.cols[g.shown[i]].Priority > g.cols[g.shown[worst]].Priority {
				worst = i
			}
		}
		if g.cols[g.shown[worst]].Priority == 0 {
			return
		}
		g.shown = slices.Delete(g.shown, worst, worst+1)
	}
}

// same reports whether a column has one value only.
func (g *grid) same(c int) bool {
	for r := 2; r <= len(g.rows); r++ {
		if !bytes.Equal(g.cell(r, c), g.cell(1, c)) {
			return false
		}
	}
	return true
}

// shrink narrows the widest columns until the table fits; their longer cells are cut.
func (g *grid) shrink() {
	for g.total() > g.style.width() {
		widest := g.shown[0]
		for _, c := range g.shown {
			if g.width[c] > g.width[widest] {
				widest = c
			}
		}
		if g.width[widest] <= 1 {
			return
		}
		g.width[widest]--
	}
}
