package render

import (
	"html"
	"strconv"
	"strings"
)

// hypertext is a sheet of HTML.
type hypertext struct{ b strings.Builder }

func (h *hypertext) heading(level int, text string) { h.element("h"+strconv.Itoa(level), text) }

// element writes a text in an element; the text is escaped, names of elements are ours.
func (h *hypertext) element(name, text string) {
	h.b.WriteString("<" + name + ">" + html.EscapeString(Clean(text)) + "</" + name + ">\n")
}

func (h *hypertext) facts(pairs [][2]string) {
	if len(pairs) == 0 {
		return
	}
	h.b.WriteString("<dl>\n")
	for _, pair := range pairs {
		h.element("dt", pair[0])
		h.element("dd", pair[1])
	}
	h.b.WriteString("</dl>\n")
}

func (h *hypertext) commands(pairs [][2]string) {
	for _, pair := range pairs {
		h.element("pre", pair[0])
		h.element("p", pair[1])
	}
}

func (h *hypertext) list(items []string) {
	h.b.WriteString("<ul>\n")
	for _, item := range items {
		h.element("li", item)
	}
	h.b.WriteString("</ul>\n")
}

func (h *hypertext) table(titles []string, rows [][]string) {
	h.b.WriteString("<table>\n")
	h.row("th", titles)
	for _, row := range rows {
		h.row("td", row)
	}
	h.b.WriteString("</table>\n")
}

func (h *hypertext) row(name string, cells []string) {
	h.b.WriteString("<tr>")
	for _, cell := range cells {
		h.element(name, cell)
	}
	h.b.WriteString("</tr>\n")
}

// page is what stands around the text. The policy forbids a browser to load or run anything, should there be anything.
const (
	pageBefore = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }
h2 { margin-top: 2em; border-top: 1px solid #8888; padding-top: 1em }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em }
dt { opacity: .7 }
dd { margin: 0; overflow-wrap: anywhere }
pre { background: #8882; padding: .5em; margin: .5em 0 0; overflow-x: auto }
pre + p { margin: .2em 0 1em .5em }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .1em .8em .1em 0; white-space: nowrap }
th { opacity: .7; font-weight: normal }
</style>
`
	pageAfter = "</body>\n</html>\n"
)

func (h *hypertext) bytes(title string) []byte {
	return []byte(pageBefore + "<title>" + html.EscapeString(Clean(title)) + "</title>\n</head>\n<body>\n" + h.b.String() + pageAfter)
}
