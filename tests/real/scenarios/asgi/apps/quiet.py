"""Sockets that say nothing (`/ws`), that ping as JSON and want a pong (`/ws-pings`), that crash before and after accept."""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:5173"])


@app.websocket("/ws")
async def quiet(websocket: WebSocket):
    await websocket.accept()
    async for _ in websocket.iter_text():
        pass


@app.websocket("/ws-pings")
async def pings(websocket: WebSocket):
    await websocket.accept()
    while True:
        await websocket.send_json({"type": "ping"})
        async with asyncio.timeout(2):
            await websocket.receive_text()
        await asyncio.sleep(1)


@app.websocket("/ws-before")
async def before(websocket: WebSocket):
    raise RuntimeError("before accept")


@app.websocket("/ws-after")
async def after(websocket: WebSocket):
    await websocket.accept()
    raise RuntimeError("after accept")


# fix:
# :fix
