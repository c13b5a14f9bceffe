const io = new Server(httpServer, { cors: { origin: [PAGE], credentials: true }, maxHttpBufferSize: 1000 });
