"""A Flask-SocketIO server for tests/real: `flask_rooms.py threading|gevent OPTIONS`.

OPTIONS is JSON: `port` (0: any), `origins`, `ping_interval`, `ping_timeout` (seconds), `upgrades` (false: none offered),
`login` (true: namespaces want Flask-Login's session; user `ops`, password `wirewatch`), `handshakes` (429 beyond so many
in two seconds), `joins` (refused beyond so many). Prints the port once it listens. The secret key is the process's own, so
a restart ends every login.
"""

import json
import os
import sys
import time

from flask import Flask, redirect, render_template_string, request
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, disconnect, emit, join_room
from flask_wtf.csrf import CSRFProtect

mode, options = sys.argv[1], json.loads(sys.argv[2])
app = Flask(__name__)
app.secret_key = os.urandom(16)
CSRFProtect(app)
users = LoginManager(app)
socketio = SocketIO(
    app,
    async_mode=mode,
    cors_allowed_origins=options.get("origins", ["http://app.localhost"]),
    ping_interval=options.get("ping_interval", 25),
    ping_timeout=options.get("ping_timeout", 20),
    allow_upgrades=options.get("upgrades", True),
)
joined = 0


class User(UserMixin):
    id = "ops"


@users.user_loader
def load(name):
    return User() if name == "ops" else None


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST" and request.form["username"] == "ops" and request.form["password"] == "wirewatch":
        login_user(User())
        return redirect("/me")
    return render_template_string(
        "<form method=post><input type=hidden name=csrf_token value='{{ csrf_token() }}'>"
        "<input name=username><input name=password type=password></form>"
    )


@app.route("/me")
@login_required
def me():
    return {"user": current_user.id}


class Rooms(Namespace):
    def on_connect(self, auth=None):
        global joined
        joined += 1
        if "joins" in options and options["joins"] < joined:
            raise ConnectionRefusedError("Rate limit exceeded")
        if options.get("login") and not current_user.is_authenticated:
            raise ConnectionRefusedError("authentication required")
        if self.namespace == "/admin" and (auth or {}).get("token") != "letmein":
            raise ConnectionRefusedError("unauthorized!")
        join_room("lobby")
        emit("welcome", {"user": "guest", "room": "lobby"})

    def on_echo(self, data):
        emit("echo", data)
        return data

    def on_binary(self, data):
        emit("binary", data)
        return data

    def on_bytes(self, size):
        emit("bytes", bytes(size))

    def on_shout(self, data):
        emit("shout", data, to="lobby")

    def on_never(self, data):
        time.sleep(3600)

    def on_ask(self, data):
        emit("question", data, callback=lambda answer: socketio.emit("answered", answer, namespace=self.namespace))

    def on_bye(self, data=None):
        disconnect()


for namespace in ("/", "/admin"):
    socketio.on_namespace(Rooms(namespace))


class Limit:
    """So many handshakes in two seconds, in front of all else."""

    def __init__(self, inner, most):
        self.inner, self.most, self.times = inner, most, []

    def __call__(self, environ, start_response):
        query = environ.get("QUERY_STRING", "")
        if environ["PATH_INFO"].startswith("/socket.io") and "sid=" not in query:
            now = time.monotonic()
            self.times = [at for at in self.times if now - at < 2]
            if self.most <= len(self.times):
                origin = environ.get("HTTP_ORIGIN", "*")
                headers = [("Retry-After", "2"), ("Access-Control-Allow-Origin", origin), ("Content-Type", "text/plain")]
                headers.append(("Access-Control-Allow-Credentials", "true"))
                start_response("429 TOO MANY REQUESTS", headers)
                return [b"too many requests\n"]
            self.times.append(now)
        return self.inner(environ, start_response)


if "handshakes" in options:
    app.wsgi_app = Limit(app.wsgi_app, options["handshakes"])

address = ("127.0.0.1", options.get("port", 0))
if mode == "gevent":
    from gevent import pywsgi
    from geventwebsocket.handler import WebSocketHandler

    server = pywsgi.WSGIServer(address, app, log=None, error_log=None, handler_class=WebSocketHandler)
    server.start()
    print("port", server.server_port, flush=True)
else:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, kind, message, *args):
            pass

    server = make_server(*address, app, threaded=True, request_handler=Quiet)
    print("port", server.port, flush=True)
server.serve_forever()
