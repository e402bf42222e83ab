// Package history says what several looks at one host tell that one look cannot: for how long sockets have been in their states, and how fast their number grows.
package history
