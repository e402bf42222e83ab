package render

import (
	"io"
	"strings"
)

// Text writes a table of words, the last columns cut to what fits into the width.
func Text(w io.Writer, titles []string, rows [][]string, header bool, s Style) error {
	if header {
		upper := make([]string, len(titles))
		for i, t := range titles {
			upper[i] = strings.ToUpper(t)
		}
		rows = append([][]string{upper}, rows...)
	}
	width := make([]int, len(titles))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], columns(s.text(cell)))
		}
	}
	lines := make([]line, len(rows))
	for r, row := range rows {
		for i, cell := range row {
			p := piece{text: pad(s.text(cell), width[i]+2)}
			if header && r == 0 {
				p.role = strong
			}
			if i == len(row)-1 {
				p.text = strings.TrimRight(p.text, " ")
			}
			lines[r] = append(lines[r], p)
		}
	}
	return s.write(w, lines)
}

// TextTSV writes words for programs, as TSV does.
func TextTSV(w io.Writer, titles []string, rows [][]string, header bool) error {
	var b []byte
	if header {
		b = append(append(b, strings.Join(titles, "\t")...), '\n')
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b = append(b, '\t')
			}
			b = appendName(b, cell)
		}
		b = append(b, '\n')
	}
	_, err := w.Write(b)
	return err
}
