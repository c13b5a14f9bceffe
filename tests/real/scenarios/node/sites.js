// Node sites for tests/real/scenarios, each at a port of its own: `node sites.js MODULES PARTS`.
//
// MODULES is the folder of the packages. PARTS is JSON: a site's name with its `module` (the socket.io of that name) and the
// `code` that it has wrong, or what mends it; that stands where a person's own stands, after `app` and `httpServer`. Prints the
// ports as JSON once all listen.

const http = require("http");
const [, , modules, json] = process.argv;
const package_ = (name) => require(`${modules}/${name}`);
const [express, cors] = [package_("express"), package_("cors")];
const { WebSocketServer } = package_("ws");
const PAGE = "http://localhost:3000";

function site({ module, code }) {
  const app = express();
  const httpServer = http.createServer(app);
  const socketio = package_(module);
  const require = (name) => (name === "socket.io" ? socketio : package_(name));
  const given = { app, httpServer, express, cors, WebSocketServer, PAGE, socketio, Server: socketio.Server, require };
  const own = new Function(...Object.keys(given), `${code}\nreturn typeof io === "undefined" ? undefined : io;`);
  const io = own(...Object.values(given));
  if (io) io.of("/").on("connection", (socket) => socket.on("message", (text, done) => done && done(text.length)));
  app.get("/api/ping", (_, answer) => answer.json({ ok: true }));
  return new Promise((done) => httpServer.listen(0, "127.0.0.1", () => done(httpServer.address().port)));
}

async function main() {
  const ports = {};
  for (const [name, part] of Object.entries(JSON.parse(json))) ports[name] = await site(part);
  console.log("ports", JSON.stringify(ports));
}

main();
