"""Flask-SocketIO sites for tests/real/scenarios, each at a port of its own: `sites.py threading|gevent PARTS`.

PARTS is JSON: a site's name with the code that it has wrong, or with what mends it; that stands where a person's own stands,
after `app`. Prints the ports as JSON once all listen. gunicorn takes `sites:alone()`.
"""

import functools
import json
import os
import sys
import threading
import time

import flask_socketio
from flask import Flask, jsonify, make_response, request, session
from flask_cors import CORS
from flask_socketio import ConnectionRefusedError, disconnect, emit, send

PAGE = "http://localhost:3000"
TOKENS = {"/user": ["user-token", "admin-token"], "/admin": ["admin-token"]}
mode = sys.argv[1] if len(sys.argv) == 3 else "threading"
# Left to itself it takes gevent where that is installed.
SocketIO = functools.partial(flask_socketio.SocketIO, async_mode=mode)


def site(part):
    app = Flask(__name__)
    app.secret_key = "of a test"
    own = dict(globals(), app=app, socketio=None)
    exec(part, own)
    socketio = own["socketio"] or SocketIO(app, cors_allowed_origins=[PAGE])
    if not app.after_request_funcs:
        CORS(app, origins=[PAGE], supports_credentials=True)

    @app.route("/api/ping")
    def ping():
        return jsonify(ok=True)

    if "/api/data" not in [rule.rule for rule in app.url_map.iter_rules()]:

        @app.route("/api/data", methods=["POST"])
        def data():
            return jsonify(ok=True, got=len(request.get_data()))

    @app.route("/login", methods=["POST"])
    def login():
        if request.form.get("password") != "wonder":
            return make_response(jsonify(error="wrong name or password"), 401)
        session["user"] = request.form["username"]
        return jsonify(ok=True)

    for namespace, tokens in TOKENS.items():
        guard(socketio, namespace, tokens)

    @socketio.on("message")
    def message(text):
        send(str(len(text)))

    return app


def guard(socketio, namespace, tokens):
    @socketio.on("connect", namespace=namespace)
    def joined(auth=None):
        if (auth or {}).get("token") not in tokens:
            raise ConnectionRefusedError("unauthorized")


def alone():
    return site(os.environ["PART"])


def serve(app):
    """The port, and what serves it for ever."""
    if mode == "gevent":
        from gevent import pywsgi
        from geventwebsocket.handler import WebSocketHandler

        server = pywsgi.WSGIServer(("127.0.0.1", 0), app, handler_class=WebSocketHandler, log=None, error_log=None)
        server.start()
    else:
        from werkzeug.serving import make_server

        server = make_server("127.0.0.1", 0, app, threaded=True)
    return server.server_port, server.serve_forever


if __name__ == "__main__":
    served = {name: serve(site(part)) for name, part in json.loads(sys.argv[2]).items()}
    print("ports", json.dumps({name: port for name, (port, _) in served.items()}), flush=True)
    *others, (_, last) = served.values()
    for _, forever in others:
        threading.Thread(target=forever, daemon=True).start()
    last()
