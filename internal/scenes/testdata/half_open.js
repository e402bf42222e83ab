// half_open.js ADDRESS PORT N: a server that allows half-open connections and forgets them, with N clients in the same program.
const net = require("net");
const [address, port, n] = process.argv.slice(2);
net.createServer({ allowHalfOpen: true }, (s) => s.resume()).listen(+port, address, () => {
  for (let i = 0; i < +n; i++) net.connect(+port, address, function () { this.end(); });
});
