"""A python-socketio server on ASGI under uvicorn for tests/real: `asgi_rooms.py OPTIONS`, as flask_rooms.py has them, less
`login` and `handshakes`."""

import json
import socket
import sys

import socketio
import uvicorn

options = json.loads(sys.argv[1])
sio = socketio.AsyncServer(
    async_mode="asgi",
    cors_allowed_origins=options.get("origins", ["http://app.localhost"]),
    ping_interval=options.get("ping_interval", 25),
    ping_timeout=options.get("ping_timeout", 20),
    allow_upgrades=options.get("upgrades", True),
)
joined = 0


class Rooms(socketio.AsyncNamespace):
    async def on_connect(self, sid, environ, auth=None):
        global joined
        joined += 1
        if "joins" in options and options["joins"] < joined:
            raise socketio.exceptions.ConnectionRefusedError("Rate limit exceeded")
        if self.namespace == "/admin" and (auth or {}).get("token") != "letmein":
            raise socketio.exceptions.ConnectionRefusedError("unauthorized!")
        await self.enter_room(sid, "lobby")
        await self.emit("welcome", {"user": "guest", "room": "lobby"}, to=sid)

    async def on_echo(self, sid, data):
        await self.emit("echo", data, to=sid)
        return data

    async def on_binary(self, sid, data):
        await self.emit("binary", data, to=sid)
        return data

    async def on_bytes(self, sid, size):
        await self.emit("bytes", bytes(size), to=sid)

    async def on_shout(self, sid, data):
        await self.emit("shout", data, to="lobby")

    async def on_never(self, sid, data):
        await sio.sleep(3600)

    async def on_ask(self, sid, data):
        async def answered(answer):
            await self.emit("answered", answer, to=sid)

        await self.emit("question", data, to=sid, callback=answered)

    async def on_bye(self, sid, data=None):
        await self.disconnect(sid)


for namespace in ("/", "/admin"):
    sio.register_namespace(Rooms(namespace))

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", options.get("port", 0)))
listener.listen()
print("port", listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(socketio.ASGIApp(sio), log_level="critical")).run(sockets=[listener])
