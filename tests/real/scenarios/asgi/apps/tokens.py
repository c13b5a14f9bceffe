"""A JWT in the query, checked before the socket is accepted (`/ws`) or after (`/ws-accept`); HTTP with a bearer token."""

import base64
import json
import time
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=["http://localhost:5173"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
)


def wrong(token):
    """What is wrong with it, if anything is. `issued` in the environment are the tokens whose signature verifies."""
    if not token:
        return "Missing token"
    if token not in ENV.get("issued", []):
        return "Invalid token"
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return "Token expired" if claims["exp"] < time.time() else None


async def serve(websocket):
    await websocket.send_json({"type": "info", "message": "Connected to AI coach."})
    async for _ in websocket.iter_text():
        pass


@app.websocket("/ws")
async def before(websocket: WebSocket, token: str = ""):
    if wrong(token):
        await websocket.close(1008)
        return
    await websocket.accept()
    await serve(websocket)


@app.websocket("/ws-accept")
async def after(websocket: WebSocket, token: str = ""):
    await websocket.accept()
    if reason := wrong(token):
        await websocket.close(1008, reason)
        return
    await serve(websocket)


@app.websocket("/ws-silent")
async def silent(websocket: WebSocket, token: str = ""):
    await websocket.accept()
    if wrong(token):
        await websocket.close(1008)
        return
    await serve(websocket)


@app.get("/api/me")
async def me(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]):
    if reason := wrong(bearer.credentials):
        raise HTTPException(401, reason, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return {"user": "alice"}


@app.get("/api/admin")
async def admin(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]):
    if wrong(bearer.credentials):
        raise HTTPException(401)
    raise HTTPException(403, "Admin role required")
