package render

import (
	"slices"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// Align says on which side of its column a text stands.
type Align uint8

// The alignments: words to the left, numbers to the right.
const (
	Left Align = iota
	Right
)

// Column is one column of a list of sockets.
type Column struct {
	// Key names the column in the header of tab-separated output. Keys and their order are stable: new columns come last.
	Key string
	// Header is the column's title in tables.
	Header string
	// Priority orders columns by how soon they are given up when a table is too wide: 0 is the last to go. Columns above
	// Ordinary are only in wide tables.
	Priority int
	Align    Align
	// Uniform columns are left out of a table when all rows have the same value there.
	Uniform bool
	// TSV appends the value for programs, Text the one for people; a nil Text is the same as TSV.
	TSV, Text func(b []byte, r *look.Row) []byte
}

// Ordinary is the greatest Priority of the columns that a table shows without being asked for all.
const Ordinary = 7

// appendText appends the value for people.
func (c *Column) appendText(b []byte, r *look.Row) []byte {
	if c.Text != nil {
		return c.Text(b, r)
	}
	return c.TSV(b, r)
}

// SocketColumns returns the columns of "closewait ls" in their stable order.
func SocketColumns() []Column { return slices.Clone(socketColumns) }

// Keys returns the keys of columns as a header line of tab-separated output has them.
func Keys(cols []Column) string {
	keys := make([]string, len(cols))
	for i := range cols {
		keys[i] = cols[i].Key
	}
	return strings.Join(keys, "\t")
}

// ordinary returns the columns that a table shows without being asked for all.
func ordinary(cols []Column) []Column {
	return slices.DeleteFunc(slices.Clone(cols), func(c Column) bool { return c.Priority > Ordinary })
}
