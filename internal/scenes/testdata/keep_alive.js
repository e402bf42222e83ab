// keep_alive.js ADDRESS PORT: a server that answers, and streams to who asks for /events.
require("http").createServer((q, r) => (q.url === "/events" ? r.write("data: 1\n\n") : r.end("hello\n"))).listen(+process.argv[3], process.argv[2]);
