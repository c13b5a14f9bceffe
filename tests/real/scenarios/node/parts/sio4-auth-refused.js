const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true } });
io.use((socket, next) => {
  if (socket.handshake.auth.token === "letmein") return next();
  const refusal = new Error("not authorized");
  refusal.data = { content: "Please retry later", code: 401 };
  next(refusal);
});
