const say = {
  4401: "authentication required", 4403: "admins only", 4429: "slow down", 1000: "idle", 1001: "", 1003: "", 1008: "",
  1011: "", 1012: "restarting", 1013: "", 4000: "kicked by an administrator", 4001: "Unauthorized", 1009: "",
};
const server = new WebSocketServer({ server: httpServer });
server.on("connection", (socket, request) => {
  const [, path, what] = request.url.split("/");
  if (path === "1000") socket.send("bye");
  if (path === "silent") return;
  if (path === "drop") return socket.terminate();
  if (path === "says") return socket.close(1008, decodeURIComponent(what));
  if (path === "heartbeat") {
    socket.send(JSON.stringify({ type: "ping" }));
    let heard = false;
    socket.on("message", (text) => (heard = heard || JSON.parse(text).type === "pong"));
    return setTimeout(() => heard || socket.close(what === "1000" ? 1000 : 4008, what === "1000" ? "" : "pong timeout"), 800);
  }
  if (say[path] !== undefined) socket.close(Number(path), say[path]);
});
