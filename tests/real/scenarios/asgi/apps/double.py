"""CORSMiddleware around python-socketio, which adds CORS headers of its own."""

import socketio
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

ORIGINS = ["http://localhost:3000"]
# fix:
sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=ORIGINS)
# :fix


@sio.event
async def connect(sid, environ, auth=None):
    await sio.emit("welcome", {"user": "guest"}, to=sid)


app = CORSMiddleware(
    socketio.ASGIApp(sio, FastAPI()), allow_origins=ORIGINS, allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
)
