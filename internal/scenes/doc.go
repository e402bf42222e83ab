// Package scenes is the judge of the diagnosis: its tests let real programs (nginx, haproxy, gunicorn, PHP-FPM, Node, Java, ...) get their sockets stuck, or rightly not, in
// private network and process namespaces, run the real binary and compare its verdict with what was built.
//
// What is expected of a scene follows from how it is made: who holds which descriptor, what each thread is blocked on, who waits for whom. It is read from the programs
// themselves and from /proc, by code that shares nothing with the tool, never from what the tool prints. A scene says when it stands (see place.await); from then on the tool has
// a while to come to the right verdict, because what is stuck has to be so for some seconds before it may be called that. A scene in which nothing is
// wrong is looked at again and again while it is at work, and no look may raise an alarm.
//
// Programs that are not installed (see tools/needs) are a reason to skip, and with CI=true to fail. The scenes need root: for namespaces, and to see the programs of other users.
package scenes
