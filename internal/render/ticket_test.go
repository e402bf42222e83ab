package render

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/report"
)

// ticket is an answer in which names are what somebody called them.
func ticket(name string) *Ticket {
	subject := blockedSubject()
	r := subject.Report
	r.Totals = report.Totals{Sockets: 8, Netns: 1, ByState: map[string]int{"close_wait": 7, "listen": 1}}
	r.Incomplete = []report.Incomplete{{Code: "CW501", Message: "not permitted to see the holders of " + name, Remedy: "sudo closewait"}}
	r.Host.Name = name
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Workload = &report.Workload{Name: name, Kind: "unit", Unit: ptr(name + ".service")}
		f.Processes = []report.Process{{PID: 4711, Comm: name, Cmdline: ptr(name + " --listen"), StartTime: ptr(noon)}}
		f.Evidence = append(f.Evidence, "held by "+name)
		f.Remedies = append(f.Remedies, report.Remedy{Command: "systemctl restart " + name, Effect: "ends " + name, Risk: "ends the others of " + name, FreesFDs: true})
	}
	for i := range subject.Rows {
		subject.Rows[i].Processes[0].Comm, subject.Rows[i].Processes[0].Workload.Name = name, name
	}
	return &Ticket{Report: r, Rows: subject.Rows, Limits: map[string]int64{"tcp_retries2": 15, "tcp_fin_timeout": 60}, Writer: "1.2.3"}
}

func written(t interface{ Fatal(...any) }, tk *Ticket) (md, page string) {
	var a, b bytes.Buffer
	if err := Markdown(&a, tk); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&b, tk); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func TestTicket_golden(t *testing.T) {
	md, page := written(t, ticket("metrics"))
	golden.Compare(t, "ticket.md", md)
	golden.Compare(t, "ticket.html", page)
	healthy, _ := written(t, &Ticket{Report: healthy(), Redacted: true})
	golden.Compare(t, "ticket_healthy.md", healthy)
}

// TestHTML_selfContained: there is nothing in the page that a browser would run, fetch or send anything to.
func TestHTML_selfContained(t *testing.T) {
	_, page := written(t, ticket("metrics"))
	elements := map[string]bool{}
	for _, m := range regexp.MustCompile(`<([a-z0-9]+)([^>]*)>`).FindAllStringSubmatch(page, -1) {
		elements[m[1]] = true
		if m[2] != "" && m[1] != "meta" && m[0] != `<html lang="en">` {
			t.Errorf("an element with attributes: %s", m[0])
		}
	}
	for name := range elements {
		if !strings.Contains(" html head meta style title body h1 h2 h3 dl dt dd ul li pre p table tr th td ", " "+name+" ") {
			t.Errorf("an element %s", name)
		}
	}
	for _, word := range []string{"url(", "@import", "//", "javascript"} {
		if strings.Contains(page, word) {
			t.Errorf("%q in the page", word)
		}
	}
	if len(elements) < 15 {
		t.Errorf("only %d elements were seen", len(elements))
	}
}

// chosenNames are names as somebody might choose them who wants something of the reader.
func chosenNames() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(1, 40, -1), rapid.SampledFrom([]string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</style><b>", "`x` **b** | c", "[a](http://x.y)", "![i](//x.y/z)", "a\n# b\n", "www.x.y", "http://x.y",
		"&lt;b&gt;", "\\<b>", "1. x", "- x", "<!--", "]]>", "_a_ ~b~", "```\nx", "\x1b[31m", "\u202e", "x\xff",
	}))
}

// TestTicket_hostile: whatever things are called, the documents keep their structure.
func TestTicket_hostile(t *testing.T) {
	tags := func(page string) []string {
		return regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1)
	}
	_, plainPage := written(t, ticket("metrics"))
	rapid.Check(t, func(t *rapid.T) {
		name := chosenNames().Draw(t, "name")
		_, page := written(t, ticket(name))
		if got, want := tags(page), tags(plainPage); strings.Join(got, "") != strings.Join(want, "") {
			t.Fatalf("%q changes the elements", name)
		}
		text := markdownText(name)
		for escaped := regexp.MustCompile(`\\[!-/:-@\[-\x60{-~]`); ; {
			if text = escaped.ReplaceAllString(text, ""); !escaped.MatchString(text) {
				break
			}
		}
		if i := strings.IndexAny(text, "`*[]<>|#&~@!\n\r"); i >= 0 || strings.Contains(text, "://") || strings.Contains(strings.ToLower(text), "www.") {
			t.Fatalf("%q became %q", name, markdownText(name))
		}
		span := codeSpan(name)
		fence := span[:len(span)-len(strings.TrimLeft(span, "`"))]
		if inner := span[len(fence) : len(span)-len(fence)]; strings.Contains(inner, fence) || strings.ContainsAny(span, "\n\r") {
			t.Fatalf("%q became %q", name, span)
		}
	})
}
