const io = new Server(httpServer, { cors: { origin: ["https://shop.example.com"], credentials: true } });
