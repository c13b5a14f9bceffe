times = []


class Limit:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"].startswith("/socket.io") and "sid=" not in environ["QUERY_STRING"]:
            now = time.monotonic()
            times[:] = [at for at in times if now - at < 30]
            if len(times) >= 2:
                headers = [("Retry-After", "30"), ("Content-Type", "application/json"), ("Vary", "Origin")]
                headers.append(("Access-Control-Allow-Origin", PAGE))
                headers.append(("Access-Control-Allow-Credentials", "true"))
                start_response("429 TOO MANY REQUESTS", headers)
                return [b'{"error":"Too many connection attempts from IP"}']
            times.append(now)
        return self.inner(environ, start_response)


socketio = SocketIO(app, cors_allowed_origins=[PAGE])
app.wsgi_app = Limit(app.wsgi_app)
