const server = new WebSocketServer({ server: httpServer });
server.on("connection", (socket) => {
  if (server.clients.size > 1) return socket.close(1013, "Too many connections");
  socket.send("hi");
});
