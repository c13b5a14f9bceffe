const io = new Server(httpServer, {
  cors: { origin: [PAGE], credentials: true },
  allowRequest: (request, done) => done("blocked by policy", false),
});
