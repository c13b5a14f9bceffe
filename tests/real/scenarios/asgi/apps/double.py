"""python-socketio, which adds CORS headers of its own, within an application that CORSMiddleware surrounds."""

import socketio
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

ORIGINS = ["http://localhost:3000"]
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_credentials=True, allow_methods=["*"], allow_headers=["*"])
sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=ORIGINS)


@sio.event
async def connect(sid, environ, auth=None):
    await sio.emit("welcome", {"user": "guest"}, to=sid)


# fix:
app.mount("/socket.io", socketio.ASGIApp(sio, socketio_path=""))
# :fix
