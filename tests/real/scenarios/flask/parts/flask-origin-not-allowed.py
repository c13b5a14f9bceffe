socketio = SocketIO(app, cors_allowed_origins=["https://shop.example.com"])
