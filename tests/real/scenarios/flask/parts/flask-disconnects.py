socketio = SocketIO(app, cors_allowed_origins=[PAGE])


@socketio.on("connect")
def joined(auth=None):
    sid = request.sid
    socketio.start_background_task(lambda: (socketio.sleep(0.5), socketio.server.disconnect(sid)))
