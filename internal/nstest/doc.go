// Package nstest is test support: it gives tests a private network, without root, and makes TCP sockets in every state the kernel knows.
// Only _test.go files import it.
//
// # Private network
//
// A package whose tests touch sockets hands its tests to Main:
//
//	func TestMain(m *testing.M) { nstest.Main(m) }
//
// Main runs the test binary once more inside a fresh network namespace (and a fresh user namespace, where the user may not make one
// otherwise), so nothing the tests do is seen by the host, and sysctls they write are their own. Where the kernel refuses, the tests
// run outside and those that call [Require], as everything in this package does, are skipped with the reason; with CI=true they fail.
// Inside, the user is uid 0 with all capabilities over the namespace, whoever started the tests.
//
// A test that needs the tables to itself, or several namespaces, makes them with [New] or, joined by a cable, with [Pair]:
//
//	ns := nstest.New(t)
//	ns.Do(func() { /* sockets made and tables read here are those of ns */ })
//
// /proc/net and /proc/self/net show the namespace of the process's main thread: inside Do read /proc/thread-self/net.
//
// # Sockets in every state
//
// [Scenes] lists them all, for table tests over states and families:
//
//	for _, scene := range nstest.Scenes() {
//		for _, fam := range nstest.Families() {
//			t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
//				nstest.New(t).Do(func() {
//					made := scene.Build(t, fam)
//					// made.Subject and made.Others: what the kernel must say, and all it may say
//				})
//			})
//		}
//	}
//
// [Build] picks one by name. For scenes of one's own there are the parts they are made of: [Listen], [Connect] and the methods of [Socket], above all Deafen, which
// loses every packet for one end of a connection. Nothing in here sleeps for a time: each step waits until the kernel shows it.
//
// Sockets are closed at the end of the test by a reset. TIME_WAIT stand-ins cannot be closed; they stay in their namespace for 60 s.
//
// # Other holders, other opinions
//
// [StartHolder] keeps CLOSE_WAIT sockets in another process, [ManyCloseWait] thousands of them in this one. [SS] asks ss(8) about the
// sockets of the namespace and [ParseSS] reads its answer strictly, as a second opinion on what our own code reads.
//
// All functions act in the network namespace of the calling thread and start no goroutine that uses another.
package nstest
