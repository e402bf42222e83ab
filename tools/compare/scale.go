package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// perProcess is how many sockets a process holds at most: some hosts allow 20,000 descriptors.
const perProcess = 19_000

// scale compares at several sizes. It prints the exponent with which the cost of each command grows from the first size to the last, without that of starting:
// 1 is in proportion.
func scale(sizes string, namespaces, runs int) error {
	var counts []int
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-scale: %q is no number of sockets", text)
		}
		counts = append(counts, n)
	}
	var found []medians
	for _, n := range counts {
		m, err := compare(n, (n+perProcess-1)/perProcess, namespaces, runs)
		if err != nil {
			return err
		}
		fmt.Println()
		found = append(found, m)
	}
	first, last := found[0], found[len(found)-1]
	var names []string
	for name := range first {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		start := first["closewait --help"]
		if a, b := first[name]-start, last[name]-start; a > 0 && b > 0 && len(counts) > 1 {
			exponent := math.Log(float64(b)/float64(a)) / math.Log(float64(counts[len(counts)-1])/float64(counts[0]))
			fmt.Printf("%-32s grows with the power %.2f from %d to %d sockets\n", name, exponent, counts[0], counts[len(counts)-1])
		}
	}
	return nil
}
