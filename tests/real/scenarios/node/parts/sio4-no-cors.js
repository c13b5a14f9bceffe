const io = new Server(httpServer);
