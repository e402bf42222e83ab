package render

import (
	"strings"
)

// markdown is a sheet of CommonMark with the tables of GitHub.
type markdown struct{ b strings.Builder }

func (m *markdown) heading(level int, text string) {
	m.b.WriteString(strings.Repeat("#", level) + " " + markdownText(text) + "\n\n")
}

func (m *markdown) facts(pairs [][2]string) {
	for _, pair := range pairs {
		m.b.WriteString("* **" + markdownText(pair[0]) + "** " + markdownText(pair[1]) + "\n")
	}
	m.b.WriteByte('\n')
}

func (m *markdown) commands(pairs [][2]string) {
	for _, pair := range pairs {
		m.b.WriteString("* " + codeSpan(pair[0]) + " " + markdownText(pair[1]) + "\n")
	}
	m.b.WriteByte('\n')
}

func (m *markdown) list(items []string) {
	for _, item := range items {
		m.b.WriteString("* " + markdownText(item) + "\n")
	}
	m.b.WriteByte('\n')
}

func (m *markdown) table(titles []string, rows [][]string) {
	m.row(titles)
	m.b.WriteString("|" + strings.Repeat("---|", len(titles)) + "\n")
	for _, row := range rows {
		m.row(row)
	}
	m.b.WriteByte('\n')
}

func (m *markdown) row(cells []string) {
	for _, cell := range cells {
		m.b.WriteString("| " + markdownText(cell) + " ")
	}
	m.b.WriteString("|\n")
}

func (m *markdown) bytes(string) []byte { return []byte(strings.TrimRight(m.b.String(), "\n") + "\n") }

// markdownText escapes what has a meaning in Markdown, at the beginning of a line too. An underscore between letters has none, and most are; a colon and a dot
// have one in a link that nobody marked as one, and a dot or bracket behind a number in a list.
func markdownText(text string) string {
	text = Clean(text)
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	var b strings.Builder
	for i := range len(text) {
		special := false
		switch c := text[i]; c {
		case '\\', '`', '*', '[', ']', '<', '>', '|', '#', '&', '~', '@', '!':
			special = true
		case '_':
			special = i == 0 || i+1 == len(text) || !wordByte(text[i-1]) || !wordByte(text[i+1])
		case ':':
			special = strings.HasPrefix(text[i:], "://")
		case '.', ')':
			special = i == digits && i > 0 && (i+1 == len(text) || text[i+1] == ' ') || i >= 3 && strings.EqualFold(text[i-3:i], "www")
		case '+', '-', '=':
			special = i == 0
		}
		if special {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// codeSpan sets a command in as many backquotes as it takes. A bar would end the cell of a table, where no command stands.
func codeSpan(text string) string {
	text = Clean(text)
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}
