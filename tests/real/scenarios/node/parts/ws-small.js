const server = new WebSocketServer({ server: httpServer, maxPayload: 1000 });
server.on("connection", (socket) => socket.on("error", () => {}));
