"""Flask sites with a fault each, or none, for tests/real/scenarios: parts of ../flask/sites.py, each below its name."""

#= cors-any-ok
CORS(app)

#= cors-no-credentials
CORS(app, origins=[PAGE])

#= cors-literal-star
@app.after_request
def by_hand(response):
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return response

#= cors-other
CORS(app, origins=["http://localhost:4000"], supports_credentials=True)

#= cors-twin
CORS(app, origins=["http://127.0.0.1:3000"], supports_credentials=True)

#= cors-scheme
CORS(app, origins=["https://localhost:3000"], supports_credentials=True)

#= cors-port
CORS(app, origins=["http://app.example.test:80"], supports_credentials=True)

#= cors-slash
CORS(app, origins=["http://localhost:3000/"], supports_credentials=True)

#= cors-part
CORS(app, resources={r"/api/data": {"origins": [PAGE]}})

#= cors-header
CORS(app, origins=[PAGE], allow_headers=["Content-Type"])

#= cors-method
CORS(app, origins=[PAGE], methods=["GET", "POST"])
app.add_url_rule("/api/item", view_func=lambda: jsonify(ok=True), methods=["PUT", "DELETE"])

#= cors-regex
CORS(app, origins=r".*", supports_credentials=True)

#= cors-joined
@app.after_request
def by_hand(response):
    response.headers["Access-Control-Allow-Origin"] = "http://localhost:3000, http://localhost:4000"
    return response

#= cors-echo-checked-ok
@app.after_request
def by_hand(response):
    if request.headers.get("Origin") in (PAGE, "http://localhost:4000"):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.vary.add("Origin")
    return response

#= errors
CORS(app, origins=[PAGE], supports_credentials=True)
app.add_url_rule("/api/boom", view_func=lambda: 1 / 0, endpoint="boom")

@app.route("/api/hidden")
def hidden():
    raise RuntimeError("broken")

@app.before_request
def guard():
    if request.path == "/api/me" and request.method != "OPTIONS":
        return jsonify(error="Authentication required"), 401
    if request.path == "/api/admin":
        return jsonify(error="Admin role required"), 403
    if request.path == "/api/busy":
        return jsonify(error="Too many requests"), 429, {"Retry-After": "5"}
    if request.path == "/api/page":
        return "<!doctype html><title>429 Too Many Requests</title><h1>Too Many Requests</h1><p>2 per 1 minute</p>", 429
    if request.path == "/api/maintenance":
        return jsonify(error="maintenance"), 503, {"Retry-After": "60"}

#= preflight-guarded
@app.before_request
def guard():
    if "Authorization" not in request.headers:
        return jsonify(error="Missing Authorization header"), 401

CORS(app, origins=[PAGE])

#= preflight-slash
CORS(app, origins=[PAGE])
app.add_url_rule("/api/items/", view_func=lambda: jsonify(ok=True), methods=["POST"])

#= limit-body
app.config["MAX_CONTENT_LENGTH"] = 1000

#= csrf
from flask_wtf import CSRFProtect
CORS(app, origins=[PAGE], supports_credentials=True)
CSRFProtect(app)

#= flask-login
from flask_login import LoginManager, login_required
CORS(app, origins=[PAGE], supports_credentials=True)
LoginManager(app).user_loader(lambda name: None)
app.add_url_rule("/api/me", view_func=login_required(lambda: "me"), endpoint="me")

#= flask-login-redirect
from flask_login import LoginManager, login_required
CORS(app, origins=[PAGE], supports_credentials=True)
manager = LoginManager(app)
manager.user_loader(lambda name: None)
manager.login_view = "form"
app.add_url_rule("/sign-in", view_func=lambda: "<form method=post><input name=username></form>", endpoint="form")
app.add_url_rule("/api/me", view_func=login_required(lambda: "me"), endpoint="me")

#= flask-login-socket
from flask_login import LoginManager, current_user
manager = LoginManager(app)
manager.user_loader(lambda name: None)
socketio = SocketIO(app, cors_allowed_origins=[PAGE])

@socketio.on("connect")
def joined(auth=None):
    if not current_user.is_authenticated:
        return False

#= healthy-shapes
CORS(app, origins=[PAGE], supports_credentials=True)

@app.route("/api/empty", methods=["GET", "DELETE"])
def empty():
    return "", 204

@app.route("/api/slow")
def slow():
    time.sleep(0.25)
    return jsonify(ok=True)

@app.route("/api/headers")
def headers():
    return jsonify(ok=True), 200, [(f"X-Header-{n}", "x" * 100) for n in range(60)]

@app.route("/api/large")
def large():
    return jsonify(items=["x" * 1000] * 3000)

@app.route("/api/cookies")
def cookies():
    response = jsonify(ok=True)
    for n in range(5):
        response.set_cookie(f"c{n}", "v", samesite="Lax", httponly=True)
    return response

@app.route("/api/events")
def events():
    def lines():
        for n in range(3):
            yield f"data: {n}\n\n"
            time.sleep(0.3)
    return app.response_class(lines(), mimetype="text/event-stream")

@app.route("/api/moved")
def moved():
    return "", 302, {"Location": "/api/ping"}

@app.route("/api/etag")
def etag():
    response = jsonify(ok=True)
    response.set_etag("a")
    return response.make_conditional(request)

#= no-cors-ok
@app.after_request
def nothing(response):
    return response
socketio = SocketIO(app)

#= socket-any-ok
socketio = SocketIO(app, cors_allowed_origins=lambda origin: origin == PAGE)

#= socket-no-check
socketio = SocketIO(app, cors_allowed_origins=[])

#= socket-twin-page
socketio = SocketIO(app, cors_allowed_origins=["http://127.0.0.1:3000", "http://localhost:4000"])

#= socket-slash
socketio = SocketIO(app, cors_allowed_origins=["http://localhost:3000/"])

#= socket-token-missing
socketio = SocketIO(app, cors_allowed_origins=[PAGE])

@socketio.on("connect")
def joined(auth=None):
    token = (auth or {}).get("token")
    if not token:
        raise ConnectionRefusedError("Authentication token required")
    if token == "old":
        raise ConnectionRefusedError("Token has expired")
    raise ConnectionRefusedError("Invalid token")

#= socket-credentials
socketio = SocketIO(app, cors_allowed_origins=[PAGE], cors_credentials=False)

#= socket-roles
socketio = SocketIO(app, cors_allowed_origins=[PAGE])

@socketio.on("connect", namespace="/staff")
def staff(auth=None):
    if not auth:
        raise ConnectionRefusedError("unauthorized!")
    raise ConnectionRefusedError("Admin access required")

@socketio.on("connect", namespace="/quiet")
def quiet(auth=None):
    return False

@socketio.on("connect", namespace="/crash")
def crash(auth=None):
    raise RuntimeError("crash")

@socketio.on("connect", namespace="/busy")
def busy(auth=None):
    raise ConnectionRefusedError("Server is at capacity, try again later")

@socketio.on("connect", namespace="/banned")
def banned(auth=None):
    raise ConnectionRefusedError("You are banned")

@socketio.on("connect", namespace="/out")
def out(auth=None):
    disconnect()

@socketio.on("connect", namespace="/later")
def later(auth=None):
    sid = request.sid
    def end():
        time.sleep(0.5)
        socketio.server.disconnect(sid, namespace="/later")
    threading.Thread(target=end, daemon=True).start()

@socketio.on("connect", namespace="/limited")
def limited(auth=None):
    raise ConnectionRefusedError("Maximum connections per user exceeded")

@socketio.on("connect", namespace="/rated")
def rated(auth=None):
    raise ConnectionRefusedError("Too many connection attempts. Please try again later.")

@socketio.on("connect", namespace="/data")
def data(auth=None):
    raise ConnectionRefusedError("Not allowed", {"code": "FORBIDDEN"})

#= socket-very-slow
socketio = SocketIO(app, cors_allowed_origins=[PAGE])

@socketio.on("connect")
def joined(auth=None):
    time.sleep(8)

#= socket-busy-all
socketio = SocketIO(app, cors_allowed_origins=[PAGE])
seats = threading.BoundedSemaphore(1)

@socketio.on("connect")
def joined(auth=None):
    if not seats.acquire(blocking=False):
        raise ConnectionRefusedError("Maximum connections per user reached")

@socketio.on("disconnect")
def left(reason=None):
    seats.release()

#= socket-talisman
@app.before_request
def secure():
    return "", 302, {"Location": request.url.replace("http://", "https://", 1)}

class First:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        query = environ["QUERY_STRING"]
        location = f"https://{environ['HTTP_HOST']}{environ['PATH_INFO']}{'?' + query if query else ''}"
        start_response("302 FOUND", [("Location", location), ("Content-Length", "0")])
        return [b""]
socketio = SocketIO(app, cors_allowed_origins=[PAGE])
app.wsgi_app = First(app.wsgi_app)

#= socket-session
socketio = SocketIO(app, cors_allowed_origins=[PAGE, "http://app.other.test:3000", "http://app.example.test:3000"])
CORS(app, origins=[PAGE, "http://app.other.test:3000", "http://app.example.test:3000"], supports_credentials=True)

@socketio.on("connect")
def joined(auth=None):
    if "user" not in session:
        raise ConnectionRefusedError("User not authenticated for WebSocket connection")

#= socket-session-secure
app.config.update(SESSION_COOKIE_SECURE=True)
#+ socket-session

#= socket-session-domain
app.config.update(SESSION_COOKIE_DOMAIN="other.test")
#+ socket-session

#= socket-session-path
app.config.update(SESSION_COOKIE_PATH="/login")
#+ socket-session

#= socket-session-strict
app.config.update(SESSION_COOKIE_SAMESITE="Strict")
#+ socket-session

#= waitress-like
class NoSocket:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        environ.pop("werkzeug.socket", None)
        return self.inner(environ, start_response)
socketio = SocketIO(app, cors_allowed_origins=[PAGE])
app.wsgi_app = NoSocket(app.wsgi_app)
