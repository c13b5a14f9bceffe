const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true }, pingInterval: 1000, pingTimeout: 1000 });
io.engine.on("connection", (socket) => clearTimeout(socket.pingIntervalTimer));
