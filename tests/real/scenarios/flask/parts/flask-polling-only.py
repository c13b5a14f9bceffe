socketio = SocketIO(app, cors_allowed_origins=[PAGE], transports=["polling"])
