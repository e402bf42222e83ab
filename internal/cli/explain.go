package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/explain"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/sysctl"
)

// Explanation is the document of "closewait explain WORD".
type Explanation struct {
	report.Header
	Name  string `json:"name"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// ExplanationList is the document of "closewait explain".
type ExplanationList struct {
	report.Header
	Pages []ExplanationPage `json:"pages"`
}

// ExplanationPage is a page of the list.
type ExplanationPage struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Aliases []string `json:"aliases"`
}

func (a *app) explainCommand() *cobra.Command {
	var rtt time.Duration
	cmd := &cobra.Command{
		Use:   "explain [WORD]",
		Short: "what limits, states and codes mean, also on this host",
		Example: `closewait explain                    # the pages
closewait explain tcp_retries2
closewait explain zero window
closewait explain CW101              # or its cause: leak
closewait explain rto --rtt 40ms     # figures for one more path`,
		Long: `Names of settings, socket options, states, codes and causes in any spelling.
The figures come from the settings of the network namespace this runs in.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return a.explain(strings.Join(args, " "), rtt) },
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return pageCompletions(args), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().Var(&interval{&rtt, 100 * time.Microsecond}, "rtt", "show figures for this round-trip time, too")
	return cmd
}

// explain prints the page on a word, or the list of pages.
func (a *app) explain(word string, rtt time.Duration) error {
	if a.flags.netns != nil {
		return usageError("ip netns exec NAME closewait explain WORD", "explain takes no --netns: it reads the settings of the namespace it runs in")
	}
	if rtt > explain.LongestRTT {
		return usageError("", "flag --rtt: %v is longer than any path's, it takes at most %v", rtt, explain.LongestRTT)
	}
	if word == "" {
		return a.explainPages()
	}
	page, err := explain.Find(word)
	if err != nil {
		return unknownPage(err)
	}
	header := a.header("Explanation")
	text := page.Text(explain.Facts{Sysctls: sysctl.New("/proc/sys").ReadTCP(), Kernel: header.Host.Kernel, RTT: rtt})
	switch {
	case a.flags.json():
		return a.writeObject(Explanation{header, page.Name, page.Title, text})
	case a.flags.output == formatName:
		text = page.Name + "\n"
	}
	_, err = a.out.WriteString(text)
	return err
}

// unknownPage tells what may have been meant.
func unknownPage(err error) error {
	e := &Error{Exit: Usage, Code: "unknown_page", Message: err.Error(), Help: `"closewait explain" lists the pages`, Err: err}
	if u, ok := errors.AsType[*explain.UnknownError](err); ok {
		e.Message = fmt.Sprintf("no page on %q", u.Word)
		switch {
		case u.Reserved:
			e.Message += " yet"
		case len(u.Near) > 0:
			e.Help = "did you mean " + strings.Join(u.Near, " or ") + "?"
		}
	}
	return e
}

func (a *app) explainPages() error {
	pages := explain.Pages()
	if a.flags.json() {
		list := ExplanationList{a.header("ExplanationList"), []ExplanationPage{}}
		for _, p := range pages {
			list.Pages = append(list.Pages, ExplanationPage{p.Name, p.Title, listed(p.Aliases)})
		}
		return a.writeObject(list)
	}
	rows := make([][]string, len(pages))
	for i, p := range pages {
		rows[i] = []string{p.Name, p.Title, strings.Join(p.Aliases, ", ")}
		if a.flags.output == formatName {
			fmt.Fprintln(a.out, p.Name)
		}
	}
	titles := []string{"name", "title", "aliases"}
	switch {
	case a.flags.output == formatName:
		return nil
	case a.tabular():
		for i := range rows {
			rows[i] = rows[i][:2]
		}
		return render.Text(a.out, titles[:2], rows, !a.flags.noHeaders, a.style())
	}
	return render.TextTSV(a.out, titles, rows, a.flags.headers)
}

// pageCompletions are the names of the pages with their titles, for the first word only.
func pageCompletions(args []string) []string {
	if len(args) > 0 {
		return nil
	}
	var words []string
	for _, p := range explain.Pages() {
		words = append(words, cobra.CompletionWithDesc(p.Name, p.Title))
	}
	return words
}
