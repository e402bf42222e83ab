// leak.js - ADDRESS PORT: reads to the end and never closes.
require("net").createServer({ allowHalfOpen: true }, (s) => s.resume()).listen(+process.argv[4], process.argv[3]);
