times = []
socketio = SocketIO(app, cors_allowed_origins=[PAGE])


@socketio.on("connect")
def joined(auth=None):
    now = time.monotonic()
    times[:] = [at for at in times if now - at < 30]
    if len(times) >= 2:
        raise ConnectionRefusedError("Connection rejected: Rate limit exceeded")
    times.append(now)
