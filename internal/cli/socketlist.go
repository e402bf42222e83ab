package cli

import (
	"encoding/json"
	"io"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// writeSocketList writes the document of ls socket by socket, one a line, so that it is never in memory as a whole.
func writeSocketList(w io.Writer, answer *Answer) error {
	return writeSockets(w, headed(answer.Report.Header, "SocketList"), answer, appendSocket)
}

// writeForecast writes the document of when in the same way.
func writeForecast(w io.Writer, answer *Answer, changes map[string]int64) error {
	head := struct {
		report.Header
		If map[string]int64 `json:"if"`
	}{headed(answer.Report.Header, "Forecast"), changes}
	return writeSockets(w, head, answer, appendForecast)
}

// appendForecast appends what encoding/json makes of a report.ForecastSocket.
func appendForecast(b []byte, r *look.Row) []byte {
	b = append(appendSocket(b, r), `,"ends_if":`...)
	if r.EndsIf == nil {
		return append(b, "null"...)
	}
	return appendEnds(b, r.EndsIf)
}

func writeSockets(w io.Writer, header any, answer *Answer, appendRow func([]byte, *look.Row) []byte) error {
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	head = report.Escape(head)
	if _, err := w.Write(append(head[:len(head)-1], `,"sockets":[`...)); err != nil {
		return err
	}
	var b []byte
	separator := "\n{"
	for i := range answer.Rows {
		b = append(appendRow(append(b[:0], separator...), &answer.Rows[i]), "}\n"...)
		if _, err := w.Write(b); err != nil {
			return err
		}
		separator = ",{"
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// writeSocketLines writes one "Socket" object a line. In a watch each look begins with the header of the list, so that a reader can tell them apart.
func writeSocketLines(w io.Writer, kind string, answer *Answer, watch bool) error {
	lines, appendRow := newLineWriter(w), appendSocket
	if kind == "Forecast" {
		appendRow = appendForecast
	}
	if watch {
		if err := lines.write(headed(answer.Report.Header, kind)); err != nil {
			return err
		}
	}
	var b []byte
	for i := range answer.Rows {
		b = append(appendRow(append(b[:0], `{"kind":"Socket",`...), &answer.Rows[i]), "}\n"...)
		if err := lines.raw(b); err != nil {
			return err
		}
	}
	return nil
}
