// Package golden compares what a test got with a file of the package's testdata.
package golden
