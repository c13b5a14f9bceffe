socketio = SocketIO(app, cors_allowed_origins=[PAGE], ping_interval=3600, ping_timeout=20)
