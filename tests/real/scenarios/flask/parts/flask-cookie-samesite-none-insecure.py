app.config.update(SESSION_COOKIE_SAMESITE="None")
socketio = SocketIO(app, cors_allowed_origins=[PAGE])


@socketio.on("connect")
def joined(auth=None):
    if "user" not in session:
        raise ConnectionRefusedError("WebSocket authentication failed: Invalid session")
