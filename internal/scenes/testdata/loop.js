// loop.js HOW ADDRESS PORT: an event loop that is held up for ten minutes once somebody says "stop".
const how = {
  busy: () => { for (const t = Date.now(); Date.now() - t < 600000; ); },
  child: () => require("child_process").execSync("sleep 600"),
}[process.argv[2]];
require("net").createServer((s) => s.on("data", (d) => String(d) === "stop" && how())).listen(+process.argv[4], process.argv[3]);
