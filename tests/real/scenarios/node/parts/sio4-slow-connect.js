const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true } });
io.use((socket, next) => setTimeout(next, 2500));
