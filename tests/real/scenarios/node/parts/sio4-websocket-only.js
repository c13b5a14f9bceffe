const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true }, transports: ["websocket"] });
