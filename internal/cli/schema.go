package cli

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/report"
)

// kinds are the objects that closewait prints, by the value of their "kind".
var kinds = []struct {
	name, short string
	example     any
}{
	{"Report", "the document of status, show and doctor", report.Report{}},
	{"SocketList", "the document of ls", report.SocketList{}},
	{"Forecast", "the document of when", report.Forecast{}},
	{"Retries", "the document of when --table", report.Retries{}},
	{"Change", "the document of acting verbs with -n, and of saved plans", report.Change{}},
	{"Result", "the document of acting verbs", report.Result{}},
	{"ChangeList", "the document of changes", report.ChangeList{}},
	{"SettingList", "the document of tune without settings", report.SettingList{}},
	{"Journal", "the document of changes ID, and of the journal's files", report.Journal{}},
	{"Socket", "a line of ls and when -o ndjson", socketLine{}},
	{"Finding", "a line of status -o ndjson; its first line is the Report", findingLine{}},
	{"Check", "a line of doctor -o ndjson", checkLine{}},
	{"Lab", "the document of lab run", report.Lab{}},
	{"LabList", "the document of lab list", report.LabList{}},
	{"LabScene", "a line of lab run -o ndjson", labLine{}},
	{"Explanation", "the document of explain", Explanation{}},
	{"ExplanationList", "the document of explain without a word", ExplanationList{}},
	{"Capabilities", "the document of capabilities", Capabilities{}},
	{"Version", "the document of version", Version{}},
	{"Error", "what stderr gets instead of a document", report.Error{}},
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [KIND]",
		Short: "the JSON Schema of a document, or the list of kinds",
		Example: `closewait schema                     # the kinds
closewait schema SocketList > socketlist.schema.json`,
		Long: enumerate("Fields are only ever added. Kinds:", kindNames()),
		Args: atMostOne,
		RunE: func(_ *cobra.Command, args []string) error { return a.schema(args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return kindNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// enumerate writes words after a beginning, in lines that fit a help page.
func enumerate(line string, words []string) string {
	var text strings.Builder
	for i, word := range words {
		if word += ","; i == len(words)-1 {
			word = word[:len(word)-1] + "."
		}
		if len(line)+1+len(word) > defaultWidth-2 {
			text.WriteString(line + "\n")
			line = word
			continue
		}
		line += " " + word
	}
	return text.String() + line
}

func (a *app) schema(args []string) error {
	if len(args) == 0 {
		return a.schemaKinds()
	}
	for _, k := range kinds {
		if strings.EqualFold(k.name, args[0]) {
			return writeDocument(a.out, schemaOf(k.name, reflect.TypeOf(k.example)))
		}
	}
	return usageError(didYouMean(args[0], kindNames(), "the kinds are "+strings.Join(kindNames(), ", ")), "unknown kind %q", args[0])
}

func (a *app) schemaKinds() error {
	for _, k := range kinds {
		if _, err := fmt.Fprintf(a.out, "%-16s%s\n", k.name, k.short); err != nil {
			return err
		}
	}
	return nil
}
