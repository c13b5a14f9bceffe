socketio = SocketIO(app, cors_allowed_origins=["http://localhost:3000"])
