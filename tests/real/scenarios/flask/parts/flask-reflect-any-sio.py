socketio = SocketIO(app, cors_allowed_origins="*")
