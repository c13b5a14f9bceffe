"""A list of origins from the environment, checked before the socket is accepted; `refuse=accepted` after it."""

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
CORS_ALLOW_ORIGINS = ENV.get("CORS_ALLOW_ORIGINS", "http://localhost:5173").split(",")
app.add_middleware(CORSMiddleware, allow_origins=CORS_ALLOW_ORIGINS, allow_credentials=True, allow_methods=["*"], allow_headers=["*"])
AFTER = ENV.get("refuse") == "accepted"


@app.websocket("/api/chat/ws")
async def chat(websocket: WebSocket):
    origin = websocket.headers.get("origin")
    allowed = origin in CORS_ALLOW_ORIGINS or (origin is None and not AFTER)
    if AFTER:
        await websocket.accept()
    if not allowed:
        await websocket.close(1008, "Origin not allowed")
        return
    if not AFTER:
        await websocket.accept()
    await websocket.send_json({"type": "info", "message": "Connected to AI coach."})
    async for _ in websocket.iter_text():
        pass


# fix:
@app.websocket("/api/slash/ws/")
# :fix
async def slash(websocket: WebSocket):
    await websocket.accept()
    async for _ in websocket.iter_text():
        pass


@app.get("/api/items/")
async def items():
    return []


@app.get("/api/ping")
async def ping():
    return {"ok": True}
