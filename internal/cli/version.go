package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// release and commit are set when a release is linked: -X github.com/closewait/closewait/internal/cli.release=1.2.3. Nothing else writes them.
var release, commit string

// Version is the document of "closewait version".
type Version struct {
	report.Header
	Version  string  `json:"version"`
	Commit   *string `json:"commit"`
	Modified *bool   `json:"modified"`
	Go       string  `json:"go"`
	Platform string  `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "version of this program, its build and the kernel",
		Example: "closewait version\nclosewait version -o json",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return a.version() },
	}
}

func (a *app) version() error {
	v := a.build()
	if a.flags.json() {
		return a.writeObject(v)
	}
	if a.flags.output == formatName {
		_, err := fmt.Fprintln(a.out, v.Version)
		return err
	}
	fmt.Fprintf(a.out, "closewait %s\n", v.Version)
	if v.Commit != nil {
		changed := ""
		if v.Modified != nil && *v.Modified {
			changed = " with local changes"
		}
		fmt.Fprintf(a.out, "commit    %s%s\n", *v.Commit, changed)
	}
	fmt.Fprintf(a.out, "built     %s, %s\n", v.Go, v.Platform)
	if v.Host.Kernel != "" {
		fmt.Fprintf(a.out, "kernel    %s\n", render.Clean(v.Host.Kernel))
	}
	return nil
}

// build tells what this program was built from, as far as it knows.
func (a *app) build() Version {
	v := Version{Header: a.header("Version"), Version: release, Commit: known(commit), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && v.Commit == nil:
			v.Commit = known(s.Value)
		case s.Key == "vcs.modified":
			modified := s.Value == "true"
			v.Modified = &modified
		}
	}
	if v.Version == "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	if v.Version == "" {
		v.Version = "devel"
	}
	return v
}

// writeObject writes a document in the one of the two JSON formats that was asked for.
func (a *app) writeObject(doc any) error {
	if a.flags.output == formatNDJSON {
		return encoder(a.out).Encode(doc)
	}
	return writeDocument(a.out, doc)
}
