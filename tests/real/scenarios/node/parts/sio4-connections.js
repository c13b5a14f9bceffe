const io = new Server(httpServer, {
  cors: { origin: [PAGE], credentials: true },
  allowRequest: (request, done) => done(io.engine.clientsCount >= 1 ? "Too many connections" : null, io.engine.clientsCount < 1),
});
