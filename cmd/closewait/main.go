// Command closewait explains stuck TCP sockets: what is stuck, who holds it, why, when the kernel ends it, and what helps.
package main

import (
	"os"

	"github.com/closewait/closewait/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.System())) }
