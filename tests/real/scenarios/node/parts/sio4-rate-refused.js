const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true } });
let joined = 0;
io.use((socket, next) => next(++joined > 2 ? new Error("Too many connection attempts, rate limit exceeded") : undefined));
