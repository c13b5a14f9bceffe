// A Socket.IO server on Node for tests/real: `node node_rooms.js MODULE OPTIONS`, MODULE the folder of socket.io 2, 3 or 4;
// OPTIONS as flask_rooms.py has them, less `login`, and `recovery` (version 4: connection state recovery).
// Version 2 has no `auth`: what a client says of itself stands in the namespace's query.

const http = require("http");
const [, , folder, json] = process.argv;
const options = JSON.parse(json);
const major = Number(require(`${folder}/package.json`).version.split(".")[0]);
const socketio = require(folder);

const server = http.createServer((request, response) => response.writeHead(404).end());
const origins = options.origins || ["http://app.localhost"];
const settings = {
  pingInterval: (options.ping_interval || 25) * 1000,
  pingTimeout: (options.ping_timeout || 20) * 1000,
  allowUpgrades: options.upgrades !== false,
};
if (major === 2) {
  settings.origins = (origin, answer) => answer(null, origins.includes(origin));
} else {
  settings.cors = { origin: origins, credentials: true };
}
if (options.recovery) {
  settings.connectionStateRecovery = { maxDisconnectionDuration: 60000 };
}
const io = major === 2 ? socketio(server, settings) : new socketio.Server(server, settings);

let joined = 0;
for (const name of ["/", "/admin"]) {
  const namespace = io.of(name);
  namespace.use((socket, next) => {
    joined += 1;
    const token = major === 2 ? socket.handshake.query.token : socket.handshake.auth.token;
    if (options.joins && options.joins < joined) return next(new Error("Rate limit exceeded"));
    if (name === "/admin" && token !== "letmein") {
      const refusal = new Error("unauthorized");
      refusal.data = { message: "unauthorized", needs: "token" };
      return next(refusal);
    }
    next();
  });
  namespace.on("connection", (socket) => {
    socket.join("lobby");
    if (!socket.recovered) socket.emit("welcome", { user: "guest", room: "lobby" });
    socket.on("echo", (data, answer) => {
      socket.emit("echo", data);
      if (answer) answer(data);
    });
    socket.on("binary", (data, answer) => {
      socket.emit("binary", data);
      if (answer) answer(data);
    });
    socket.on("bytes", (size) => socket.emit("bytes", Buffer.alloc(size)));
    socket.on("shout", (data) => namespace.to("lobby").emit("shout", data));
    socket.on("never", () => {});
    socket.on("ask", (data) => socket.emit("question", data, (answer) => socket.emit("answered", answer)));
    socket.on("bye", () => socket.disconnect());
    // The transport ends and the session does not.
    socket.on("cut", () => socket.conn.close());
  });
}

if (options.handshakes) {
  const [handle] = server.listeners("request");
  let times = [];
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    if (!request.url.includes("sid=")) {
      const now = Date.now();
      times = times.filter((at) => now - at < 2000);
      if (options.handshakes <= times.length) {
        const origin = request.headers.origin || "*";
        const cors = { "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true" };
        return response.writeHead(429, { "Retry-After": "2", ...cors }).end("too many requests\n");
      }
      times.push(now);
    }
    handle.call(server, request, response);
  });
}

server.listen(options.port || 0, "127.0.0.1", () => console.log("port", server.address().port));
