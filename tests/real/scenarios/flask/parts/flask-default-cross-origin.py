socketio = SocketIO(app)
