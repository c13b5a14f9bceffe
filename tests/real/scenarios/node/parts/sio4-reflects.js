const io = new Server(httpServer, { cors: { origin: true, credentials: true } });
