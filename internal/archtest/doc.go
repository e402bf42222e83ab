// Package archtest holds the rules of the house as tests: who may import whom, who may call the kernel, and that every package says what it is for.
// It has no code of its own.
package archtest
