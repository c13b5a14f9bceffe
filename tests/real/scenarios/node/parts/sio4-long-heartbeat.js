const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true }, pingInterval: 3600000 });
