socketio = SocketIO(app, cors_allowed_origins=[PAGE])


@socketio.on("connect")
def joined(auth=None):
    raise RuntimeError("the database is down")
