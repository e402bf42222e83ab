// Package render turns answers into text for people: the one-screen report, and tables; and into tab-separated lines for pipes.
//
// It is pure. It knows a width and a height, never a terminal; it writes to the writer it is given and asks neither the time nor the
// environment, so that the same values always give the same bytes.
//
// Names of processes, units and containers are chosen by whoever runs on the host, not by us. All of them pass through [Clean] before they
// are shown, and no line is ever wider than [Style.Width].
package render
