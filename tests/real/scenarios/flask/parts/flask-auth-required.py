socketio = SocketIO(app, cors_allowed_origins=[PAGE])


@socketio.on("connect")
def joined(auth=None):
    if not auth:
        raise ConnectionRefusedError("authentication required")
