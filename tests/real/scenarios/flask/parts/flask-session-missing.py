socketio = SocketIO(app, cors_allowed_origins=[PAGE])


@socketio.on("connect")
def joined(auth=None):
    if "user" not in session:
        raise ConnectionRefusedError("User not authenticated for WebSocket connection")
