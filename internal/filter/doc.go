// Package filter is the query language of closewait: it parses a filter, matches it against sockets, prints it, and says which part of
// it the kernel can test.
//
// The filters of ss(8) work as they are; on top of them stand tests on timers, queues, times, holders and causes. [Words] describes every
// word of the language.
//
//	f, err := filter.Parse("state close-wait ( dport = :443 or sport = :8080 ) age > 5m")
//	...
//	request := dump(f.States(), f.Condition())
//	for each row: if f.Match(row) ...
//
// # Precedence
//
// "not" binds tightest, then "and" (which may be left out), then "or", as the manual page of ss says. The parser of ss 6.1 itself goes from
// left to right whatever the operator, so a filter that mixes "and" with "or" means the same to both only with parentheses; [Filter.String]
// always writes them. As in ss, "state" and "exclude" words that open a filter (here: or a parenthesis) and are followed by no operator apply
// to all of it, and several of them in a row add up.
//
// # Unknown
//
// What is not known of a socket makes a test neither true nor false but unknown, and unknown stays unknown under "not" (the three-valued logic of
// SQL). A filter matches only when it is true: neither "rtt > 1s" nor "not rtt > 1s" matches a socket whose round-trip time nobody knows, while
// "rtt > 1s or state listen" does match a listener. A lower bound is used for what it is worth: an age of at least 10 minutes is
// known to be above 5 minutes, and unknown against 20.
//
// # Values
//
// Durations are written 90s, 5m, 1h30m, 2d, 500ms; a bare number is seconds. Sizes are bytes, and K, M, G and T are powers of 1024 in either case,
// with or without "B" and "iB". Numbers are decimal, or hexadecimal with 0x. In names * stands for any characters and ? for one. Words with spaces or
// signs in them are quoted. Host names are never resolved; names of services are those of a short built-in table.
//
// # The kernel's part
//
// [Filter.States] and [Filter.Condition] are weaker than the filter or equal to it: a socket that matches fulfils both. So they may be
// sent along with a dump, and Match decides about what comes back. Where [Filter.Exact] is true the kernel's answer can stand by itself.
//
// The package opens no file, resolves no name and asks no clock. A Filter is immutable and may be used by several goroutines at once; Match does
// not allocate.
package filter
