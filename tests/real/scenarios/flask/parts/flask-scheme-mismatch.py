socketio = SocketIO(app, cors_allowed_origins=["https://localhost:3000"])
