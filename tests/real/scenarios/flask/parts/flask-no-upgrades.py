socketio = SocketIO(app, cors_allowed_origins=[PAGE], allow_upgrades=False)
