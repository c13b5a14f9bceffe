const io = socketio(httpServer, { origins: (origin, done) => done(null, origin === PAGE) });
