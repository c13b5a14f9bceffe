// Node sites with a fault each, or none, for tests/real/scenarios: parts of ../node/sites.js, each below its name.

//= cors-any-ok
app.use(cors());

//= cors-any-credentials
app.use(cors({ origin: "*", credentials: true }));

//= cors-reflect
app.use(cors({ origin: true, credentials: true }));

//= cors-other
app.use(cors({ origin: "http://localhost:4000", credentials: true }));

//= cors-list
app.use(cors({ origin: ["http://localhost:4000", "http://localhost:5173"] }));

//= cors-twin
app.use(cors({ origin: ["http://127.0.0.1:3000"] }));

//= cors-no-credentials
app.use(cors({ origin: PAGE }));

//= cors-methods
app.use(cors({ origin: PAGE, methods: ["GET", "POST"] }));
app.put("/api/item", (_, answer) => answer.json({ ok: true }));

//= cors-headers
app.use(cors({ origin: PAGE, allowedHeaders: ["Content-Type"] }));

//= cors-throws
const list = ["http://localhost:4000"];
app.use(cors({ origin: (origin, done) => (list.includes(origin) ? done(null, true) : done(new Error("Not allowed by CORS"))) }));

//= cors-twice
app.use(cors({ origin: PAGE, credentials: true }));
app.use((_, answer, next) => (answer.append("Access-Control-Allow-Origin", PAGE), next()));

//= cors-late
app.get("/api/early", (_, answer) => answer.json({ ok: true }));
app.use(cors({ origin: PAGE }));

//= cors-get-only
app.get("/api/open", cors({ origin: PAGE }), (_, answer) => answer.json({ ok: true }));
app.post("/api/open", cors({ origin: PAGE }), (_, answer) => answer.json({ ok: true }));

//= statuses
app.use(cors({ origin: PAGE, credentials: true }));
app.use(express.json({ limit: 100 }));
app.post("/api/echo", (request, answer) => answer.json(request.body));
app.get("/api/boom", () => { throw new Error("boom"); });
app.get("/api/401", (_, answer) => answer.status(401).json({ message: "No token provided" }));
app.get("/api/bad", (_, answer) => answer.status(401).json({ message: "jwt malformed" }));
app.get("/api/expired", (_, answer) => answer.status(401).json({ message: "jwt expired" }));
app.get("/api/403", (_, answer) => answer.status(403).json({ message: "Forbidden" }));
app.get("/api/429", (_, answer) => answer.status(429).set("RateLimit-Reset", "30").send("Too many requests, please try again later."));
app.get("/api/csrf", (_, answer) => answer.status(403).json({ message: "invalid csrf token" }));
app.get("/api/session", (_, answer) => answer.status(401).json({ error: "Please log in" }));
app.get("/api/moved", (_, answer) => answer.redirect("/login"));
app.get("/login", (_, answer) => answer.type("html").send("<!doctype html><form method=post></form>"));
app.get("/api/gzip", (_, answer) => answer.set("Content-Encoding", "gzip").send(Buffer.from("H4sIAAAAAAACA6tWys9WsiopKk2tBQCQX9SnCwAAAA==", "base64")));
app.get("/api/loop", (_, answer) => answer.redirect("/api/loop"));

//= errors-bare
app.get("/api/boom", (_, answer) => answer.status(500).json({ error: "boom" }));
app.use(cors({ origin: PAGE, credentials: true }));

//= limiter
let count = 0;
app.use((_, answer, next) => (++count > 2 ? answer.status(429).set("Retry-After", "60").json({ error: "Too many requests" }) : next()));
app.use(cors({ origin: PAGE }));

//= corp
app.use((_, answer, next) => (answer.set("Cross-Origin-Resource-Policy", "same-origin").set("X-Frame-Options", "DENY"), next()));
app.use(cors({ origin: PAGE }));

//= cookie
app.use(cors({ origin: [PAGE, "http://app.other.test:3000"], credentials: true }));
app.post("/login", (_, answer) => answer.cookie("connect.sid", "s:alice", { sameSite: "lax", httpOnly: true }).json({ ok: true }));
app.post("/login-secure", (_, answer) => answer.cookie("connect.sid", "s:alice", { secure: true }).json({ ok: true }));
app.post("/login-none", (_, answer) => answer.cookie("connect.sid", "s:alice", { sameSite: "none" }).json({ ok: true }));
app.post("/login-nothing", (_, answer) => answer.json({ ok: true }));
app.get("/api/me", (request, answer) =>
  /connect\.sid=/.test(request.headers.cookie ?? "") ? answer.json({ user: "alice" }) : answer.status(401).json({ error: "Unauthorized" }));

//= sio-cors-reflect
const io = new Server(httpServer, { cors: { origin: true, credentials: true } });

//= sio-cors-any-ok
const io = new Server(httpServer, { cors: { origin: "*" } });

//= sio-cors-any-credentials
const io = new Server(httpServer, { cors: { origin: "*", credentials: true } });

//= sio-cors-twin
const io = new Server(httpServer, { cors: { origin: ["http://127.0.0.1:3000"] } });

//= sio-cors-scheme
const io = new Server(httpServer, { cors: { origin: "https://localhost:3000" } });

//= sio-cors-slash
const io = new Server(httpServer, { cors: { origin: "http://localhost:3000/" } });

//= sio-cors-twice
httpServer.prependListener("request", (_, answer) => answer.setHeader("Access-Control-Allow-Origin", PAGE));
const io = new Server(httpServer, { cors: { origin: PAGE } });
io.engine.on("headers", (headers) => (headers["Access-Control-Allow-Origin"] = [PAGE, PAGE]));

//= sio-errors
const io = new Server(httpServer, { cors: { origin: PAGE, credentials: true } });
const refuse = (name, text, data) => io.of(name).use((_, next) => next(Object.assign(new Error(text), data && { data })));
refuse("/token", "Authentication error: token missing");
refuse("/bad", "invalid signature");
refuse("/expired", "jwt expired");
refuse("/role", "Forbidden: admin only");
refuse("/words", "not today");
refuse("/session", "Session ID unknown");
refuse("/limit", "Too many connections from this IP", { code: 429 });
refuse("/auth", "Not authorized", { content: "Please retry later" });
io.of("/crash").on("connection", (socket) => socket.disconnect(true));
io.of("/soft").on("connection", (socket) => setTimeout(() => socket.disconnect(), 300));
io.of("/slow").use((_, next) => setTimeout(next, 3000));
io.of("/never").use(() => {});
io.of("/ok").on("connection", (socket) => socket.emit("welcome", { n: 1 }));

//= sio-eio3-ok
const io = new Server(httpServer, { cors: { origin: PAGE }, allowEIO3: true });

//= sio-timeout
const io = new Server(httpServer, { cors: { origin: PAGE }, pingInterval: 300000, pingTimeout: 5000 });

//= sio-no-handshake
const io = new Server(httpServer, { cors: { origin: PAGE }, allowRequest: (request, done) => done("Origin not allowed", false) });

//= sio-session
const io = new Server(httpServer, {
  cors: { origin: PAGE, credentials: true },
  allowRequest: (request, done) => done(/sid=/.test(request.headers.cookie ?? "") ? null : "session required", /sid=/.test(request.headers.cookie ?? "")),
});

//= sio-dir-path
const io = new Server(httpServer, { path: "/api/socket.io/", cors: { origin: PAGE } });

//= sio2-origins
const io = socketio(httpServer, { origins: "http://localhost:4000" });

//= sio2-default-ok
const io = socketio(httpServer);

//= sio3-no-cors
const io = new Server(httpServer);

//= sio3-ok
const io = new Server(httpServer, { cors: { origin: PAGE } });

//= ws-verify
new WebSocketServer({ server: httpServer, verifyClient: ({ origin, req }, done) => {
  const path = req.url.split("?")[0];
  if (path === "/401") return done(false, 401, "Unauthorized");
  if (path === "/403") return done(false, 403, "Forbidden");
  if (path === "/429") return done(false, 429, "Too Many Requests");
  if (path === "/503") return done(false, 503, "Service Unavailable", { "Retry-After": "30" });
  if (path === "/origin") return done(origin === "http://localhost:4000", 403, "Forbidden");
  if (path === "/twin") return done(origin === "http://127.0.0.1:3000", 403, "Forbidden");
  if (path === "/token") return done(/token=good/.test(req.url), 401, "Unauthorized");
  done(false, 404);
} }).on("connection", (socket) => socket.send("hello"));

//= ws-path
new WebSocketServer({ server: httpServer, path: "/ws" }).on("connection", (socket) => socket.send("hello"));

//= ws-manual
const server = new WebSocketServer({ noServer: true });
httpServer.on("upgrade", (request, socket, head) => {
  if (request.url.startsWith("/raw-401")) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
  if (request.url.startsWith("/raw-403")) return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\r\n{\"error\":\"Invalid token\"}");
  if (request.url.startsWith("/destroy")) return socket.destroy();
  if (request.url.startsWith("/hang")) return;
  server.handleUpgrade(request, socket, head, (one) => one.send("hello"));
});

//= ws-protocols
new WebSocketServer({ server: httpServer, handleProtocols: (offered) => (offered.has("json.v1") ? "json.v1" : false) }).on("connection", (socket) => socket.send("hello"));

//= ws-http-only
app.get("/ws", (_, answer) => answer.json({ ok: true }));

//= ws-shapes
new WebSocketServer({ server: httpServer, perMessageDeflate: { threshold: 0 } }).on("connection", (socket, request) => {
  const path = request.url.split("?")[0];
  if (path === "/many") for (let n = 0; n < 200; n++) socket.send(JSON.stringify({ n, text: "x".repeat(500) }));
  else if (path === "/binary") socket.send(Buffer.alloc(200000, 7));
  else if (path === "/pings") setInterval(() => socket.ping(), 100);
  else if (path === "/echo") socket.on("message", (data) => socket.send(data));
  else if (path === "/terminate") setTimeout(() => socket.terminate(), 200);
  else if (path === "/bad-json") { socket.send('{"type":"error","code":401,"message":"Unauthorized"}'); socket.close(1008); }
  else if (path === "/3000") socket.close(3000, "Unauthorized");
  else if (path === "/3003") socket.close(3003, "Forbidden");
  else if (path === "/4000-auth") socket.close(4000, "Authentication failed");
  else if (path === "/1013") socket.close(1013);
  else if (path === "/1012") socket.close(1012);
  else if (path === "/1014") socket.close(1014);
  else if (path === "/1003") socket.close(1003, "text only");
  else if (path === "/empty") socket.close();
  else if (path === "/1000-token") socket.close(1000, "token expired");
  else if (path === "/4408") socket.close(4408, "Connection initialisation timeout");
  else if (path === "/4409") socket.close(4409, "Subscriber already exists");
  else if (path === "/4429-many") socket.close(4429, "Too many initialisation requests");
  else if (path === "/server-restart") socket.close(1001, "Server is shutting down");
});
