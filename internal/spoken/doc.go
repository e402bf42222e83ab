// Package spoken writes sizes and times the way people say them, the same in every sentence and column. What other programs read has units and digits of its own, see package report.
package spoken
