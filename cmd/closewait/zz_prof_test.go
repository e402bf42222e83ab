package main

import (
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/closewait/closewait/internal/cli"
)

func profiled(f func() int) int {
	_ = cli.Main
	p := os.Getenv("ZZPROF")
	if p == "" {
		return f()
	}
	runtime.SetCPUProfileRate(2000)
	file, _ := os.Create(p)
	pprof.StartCPUProfile(file)
	code := f()
	pprof.StopCPUProfile()
	file.Close()
	return code
}
