"""Flask-SocketIO behind a proxy, for tests/real/scenarios: `app_flask.py OPTIONS`.

OPTIONS is JSON: `port`, `origins` (null: its own alone), `path` of Socket.IO, `login` (POST {path}/login sets a session's
cookie, and Socket.IO wants it). GET /api/ping answers {"ok": true}.
"""

import json
import logging
import sys

from flask import Flask, jsonify, request, session
from flask_socketio import ConnectionRefusedError, SocketIO, emit

options = json.loads(sys.argv[1])
logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
app = Flask(__name__)
app.secret_key = "of a test"
prefix = options.get("path", "/socket.io").removesuffix("/socket.io")
socketio = SocketIO(
    app,
    async_mode="threading",
    path=f"{prefix}/socket.io",
    cors_allowed_origins=options.get("origins", ["http://localhost:3000"]),
    max_http_buffer_size=10_000_000,
)


@app.get("/api/ping")
def ping():
    return jsonify(ok=True)


@app.post("/api/items")
def items():
    return jsonify(size=len(request.get_data()))


@app.post(f"{prefix}/login")
def login():
    session["user"] = request.form.get("username", "")
    return jsonify(ok=True)


@socketio.on("connect")
def connect(_auth=None):
    if options.get("login") and "user" not in session:
        raise ConnectionRefusedError("WebSocket authentication failed: Invalid session")
    emit("connected", {})


@socketio.on("message")
def message(text):
    emit("message", len(text))


@socketio.on("connect", namespace="/ready")
def ready():
    pass


socketio.run(app, host="127.0.0.1", port=options["port"], allow_unsafe_werkzeug=True)
