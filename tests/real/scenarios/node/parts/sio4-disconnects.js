const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true } });
io.on("connection", (socket) => setTimeout(() => socket.disconnect(true), 300));
