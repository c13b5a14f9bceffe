"""FastAPI on uvicorn behind a proxy, for tests/real/scenarios: `app_fastapi.py OPTIONS`.

OPTIONS is JSON: `port`, `origin` (the only page whose sockets it takes; none: any). Sockets at /ws and /api/chat/ws send a
first message; /api/stream sends an event every half second; POST /api/items; /api/denied is 403, /api/failed 500.
"""

import asyncio
import json
import sys

import uvicorn
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import StreamingResponse

options = json.loads(sys.argv[1])
app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["http://localhost:5173"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)


@app.get("/api/ping")
async def ping():
    return {"ok": True}


@app.post("/api/items")
async def items(request: Request):
    return {"size": len(await request.body())}


@app.get("/api/denied")
async def denied():
    raise HTTPException(403, "not yours")


@app.get("/api/stream")
async def stream():
    async def events():
        for number in range(6):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.5)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.websocket("/ws")
@app.websocket("/api/chat/ws")
async def chat(socket: WebSocket):
    if options.get("origin") not in (None, socket.headers.get("origin")):
        return await socket.close(1008)
    await socket.accept()
    await socket.send_json({"type": "info", "message": "Connected to AI coach."})
    async for text in socket.iter_text():
        await socket.send_text(text)


uvicorn.run(app, host="127.0.0.1", port=options["port"], log_level="critical")
