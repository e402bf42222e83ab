package cli

import (
	"encoding/json"
	"io"
)

// writeSocketList writes the document of ls socket by socket, one a line, so that it is never in memory as a whole.
func writeSocketList(w io.Writer, answer *Answer) error {
	head, err := json.Marshal(headed(answer.Report.Header, "SocketList"))
	if err != nil {
		return err
	}
	if _, err := w.Write(append(head[:len(head)-1], `,"sockets":[`...)); err != nil {
		return err
	}
	var b []byte
	separator := "\n{"
	for i := range answer.Rows {
		b = append(appendSocket(append(b[:0], separator...), &answer.Rows[i]), "}\n"...)
		if _, err := w.Write(b); err != nil {
			return err
		}
		separator = ",{"
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// writeSocketLines writes one "Socket" object a line. In a watch each look begins with the header of the list, so that a reader can tell them apart.
func writeSocketLines(w io.Writer, answer *Answer, watch bool) error {
	lines := newLineWriter(w)
	if watch {
		if err := lines.write(headed(answer.Report.Header, "SocketList")); err != nil {
			return err
		}
	}
	var b []byte
	for i := range answer.Rows {
		b = append(appendSocket(append(b[:0], `{"kind":"Socket",`...), &answer.Rows[i]), "}\n"...)
		if err := lines.raw(b); err != nil {
			return err
		}
	}
	return nil
}
