"""FastAPI on uvicorn, for tests/real: `fastapi_site.py OPTIONS`.

OPTIONS is JSON: `port`, `key` (of the tokens, HS256). POST /login (user `ops`, password `wirewatch`) sets a cookie, and has
no page of its own; /me/ wants it. /ws?token=JWT: 403 without a token, close 1008 with one that has expired or doesn't verify.
/beat sends `{"type":"ping"}` and closes with 4000 where no pong comes in a second.
"""

import asyncio
import json
import sys

import jwt
import uvicorn
from fastapi import Cookie, FastAPI, Form, HTTPException, Response, WebSocket, WebSocketException

options = json.loads(sys.argv[1])
app = FastAPI()


@app.post("/login")
async def login(response: Response, username: str = Form(), password: str = Form()):
    if (username, password) != ("ops", "wirewatch"):
        raise HTTPException(401, "Incorrect username or password")
    response.set_cookie("session", "0123456789abcdef", httponly=True)
    return {"ok": True}


@app.get("/me/")
async def me(session: str | None = Cookie(default=None)):
    if session != "0123456789abcdef":
        raise HTTPException(401, "Not authenticated")
    return {"user": "ops"}


@app.websocket("/ws")
async def ws(socket: WebSocket, token: str | None = None):
    if token is None:
        raise WebSocketException(code=1008)
    await socket.accept()
    try:
        jwt.decode(token, options["key"], algorithms=["HS256"])
    except jwt.ExpiredSignatureError:
        return await socket.close(1008, "token expired")
    except jwt.InvalidTokenError:
        return await socket.close(1008, "invalid token")
    async for text in socket.iter_text():
        await socket.send_text(text)


@app.websocket("/beat")
async def beat(socket: WebSocket):
    await socket.accept()
    while True:
        await socket.send_json({"type": "ping"})
        try:
            answer = await asyncio.wait_for(socket.receive_json(), 1)
        except asyncio.TimeoutError:
            return await socket.close(4000, "heartbeat timeout")
        if answer != {"type": "pong"}:
            return await socket.close(4001, "no pong")
        await asyncio.sleep(0.1)


@app.on_event("startup")
async def ready():
    # uvicorn listens right after.
    asyncio.get_running_loop().call_later(0.2, lambda: print(f"port {options['port']}", flush=True))


uvicorn.run(app, host="127.0.0.1", port=options["port"], log_level="error")
