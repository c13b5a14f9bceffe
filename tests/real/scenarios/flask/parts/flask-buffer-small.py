socketio = SocketIO(app, cors_allowed_origins=[PAGE], max_http_buffer_size=1000)
