socketio = SocketIO(app, cors_allowed_origins=[PAGE], path="realtime/socket.io")
