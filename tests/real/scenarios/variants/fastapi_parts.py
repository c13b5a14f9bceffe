"""FastAPI applications with a fault each, or none, for tests/real/scenarios: what ../asgi/serve.py serves, each below its name."""

#= page
import asyncio
import time
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect, WebSocketException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse

PAGE = "http://localhost:3000"
app = FastAPI()


def cors(**more):
    app.add_middleware(CORSMiddleware, **({"allow_origins": [PAGE], "allow_methods": ["*"], "allow_headers": ["*"]} | more))


@app.api_route("/api/ping", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
def ping():
    return {"ok": True}


async def talk(websocket):
    await websocket.send_json({"type": "info"})
    async for _ in websocket.iter_text():
        pass

#= cors-twin
#+ page
cors(allow_origins=["http://127.0.0.1:3000"])

#= cors-scheme
#+ page
cors(allow_origins=["https://localhost:3000"])

#= cors-port
#+ page
cors(allow_origins=["http://app.example.test:80"])

#= cors-slash
#+ page
cors(allow_origins=["http://localhost:3000/"])

#= cors-no-credentials
#+ page
cors(allow_credentials=False)

#= cors-regex
#+ page
cors(allow_origins=[], allow_origin_regex=".*", allow_credentials=True)

#= cors-star-ok
#+ page
cors(allow_origins=["*"])

#= cors-methods
#+ page
cors(allow_methods=["GET", "POST"])

#= cors-headers
#+ page
cors(allow_headers=["Content-Type"])

#= cors-below
#+ page
cors(allow_credentials=True)


@app.middleware("http")
async def guard(request: Request, call_next):
    if "authorization" not in request.headers and request.url.path != "/api/open":
        return JSONResponse({"detail": "Not authenticated"}, 401)
    return await call_next(request)


@app.get("/api/open")
def opened():
    return {"ok": True}

#= cors-above
#+ page


@app.middleware("http")
async def guard(request: Request, call_next):
    if "authorization" not in request.headers:
        return JSONResponse({"detail": "Not authenticated"}, 401)
    return await call_next(request)


cors(allow_credentials=True)

#= cors-sub
#+ page
api = FastAPI()
api.add_middleware(CORSMiddleware, allow_origins=[PAGE])
app.mount("/v1", api)


@api.get("/ping")
def below():
    return {"ok": True}

#= statuses
#+ page
cors(allow_credentials=True)


@app.get("/api/status/{code}")
def status(code: int):
    raise HTTPException(code, f"error {code}", {"Retry-After": "30"} if code in (429, 503) else None)


@app.get("/api/permission")
def permission():
    raise HTTPException(403, "Not enough permissions")


@app.get("/api/token")
def token():
    raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})


@app.get("/api/expired")
def expired():
    raise HTTPException(401, "Signature has expired", {"WWW-Authenticate": "Bearer"})


@app.get("/api/cookie")
def cookie():
    raise HTTPException(401, "Session expired, please log in again")


@app.get("/api/boom")
def boom():
    raise RuntimeError("boom")


@app.get("/api/rate")
def rate():
    return JSONResponse({"error": "Rate limit exceeded: 5 per 1 minute"}, 429)


@app.post("/api/model")
def model(item: dict):
    return item

#= rate-outside
#+ page
cors(allow_credentials=True)
seen = []


@app.middleware("http")
async def limit(request: Request, call_next):
    seen.append(1)
    if len(seen) > 2:
        return JSONResponse({"error": "Rate limit exceeded: 2 per 1 minute"}, 429)
    return await call_next(request)

#= https
#+ page
from fastapi.middleware.httpsredirect import HTTPSRedirectMiddleware
app.add_middleware(HTTPSRedirectMiddleware)


@app.websocket("/ws")
async def socket(websocket: WebSocket):
    await websocket.accept()
    await talk(websocket)

#= hosts
#+ page
from starlette.middleware.trustedhost import TrustedHostMiddleware
cors()
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["api.example.com"])


@app.websocket("/ws")
async def socket(websocket: WebSocket):
    await websocket.accept()
    await talk(websocket)

#= sockets
#+ page
cors()


@app.websocket("/ok")
async def ok(websocket: WebSocket):
    await websocket.accept()
    await talk(websocket)


@app.websocket("/silent-ok")
async def silent(websocket: WebSocket):
    await websocket.accept()
    async for _ in websocket.iter_text():
        pass


@app.websocket("/subprotocol-ok")
async def subprotocol(websocket: WebSocket):
    await websocket.accept(subprotocol="chat.v1" if "chat.v1" in websocket.headers.get("sec-websocket-protocol", "") else None)
    await talk(websocket)


@app.websocket("/subprotocol-none")
async def subprotocol_none(websocket: WebSocket):
    await websocket.accept()
    await talk(websocket)


@app.websocket("/subprotocol")
async def unasked(websocket: WebSocket):
    await websocket.accept(subprotocol="graphql-ws")
    await talk(websocket)


@app.websocket("/slow-ok")
async def slow(websocket: WebSocket):
    await asyncio.sleep(0.25)
    await websocket.accept()
    await talk(websocket)


@app.websocket("/never")
async def never(websocket: WebSocket):
    await asyncio.sleep(60)


@app.websocket("/close/{code}")
async def close(websocket: WebSocket, code: int, reason: str = ""):
    await websocket.accept()
    await websocket.close(code, reason)


@app.websocket("/said/{code}")
async def said(websocket: WebSocket, code: int, reason: str = ""):
    await websocket.accept()
    await websocket.send_json({"type": "error", "message": reason})
    await websocket.close(code)


@app.websocket("/exception/{code}")
async def exception(websocket: WebSocket, code: int, reason: str = ""):
    raise WebSocketException(code, reason)


@app.websocket("/denied/{code}")
async def denied(websocket: WebSocket, code: int, detail: str = ""):
    await websocket.send_denial_response(JSONResponse({"detail": detail}, code))


@app.websocket("/http/{code}")
async def http(websocket: WebSocket, code: int):
    raise HTTPException(code, "Not authenticated")


@app.websocket("/moved")
async def moved(websocket: WebSocket):
    await websocket.send_denial_response(RedirectResponse("/login"))


@app.websocket("/typed/{number}")
async def typed(websocket: WebSocket, number: int):
    await websocket.accept()
    await talk(websocket)


@app.websocket("/ends-ok")
async def ends(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_json({"type": "done"})
    await asyncio.sleep(3)
    await websocket.close()


@app.websocket("/heartbeat")
async def heartbeat(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_json({"type": "ping"})
    try:
        async with asyncio.timeout(0.8):
            await websocket.receive_text()
    except TimeoutError:
        await websocket.close(4000, "No heartbeat")
    else:
        await talk(websocket)


@app.websocket("/heartbeat-word")
async def heartbeat_word(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text("ping")
    try:
        async with asyncio.timeout(0.8):
            await websocket.receive_text()
    except TimeoutError:
        await websocket.close()


limit = asyncio.Semaphore(1)


@app.websocket("/one")
async def one(websocket: WebSocket):
    await websocket.accept()
    if limit.locked():
        await websocket.close(1008, "Too many connections")
        return
    async with limit:
        await talk(websocket)


counted = []


@app.websocket("/rated")
async def rated(websocket: WebSocket):
    counted.append(1)
    if len(counted) > 2:
        await websocket.close(1008)
        return
    await websocket.accept()
    await talk(websocket)


@app.websocket("/rated-said")
async def rated_said(websocket: WebSocket):
    await websocket.accept()
    await websocket.close(1008, "Rate limit exceeded")


@app.websocket("/origin-needed")
async def origin_needed(websocket: WebSocket):
    if websocket.headers.get("origin") != PAGE:
        await websocket.close(1008)
        return
    await websocket.accept()
    await talk(websocket)


@app.websocket("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(str(len(text)))


@app.websocket("/dies")
async def dies(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_json({"type": "info"})
    await asyncio.sleep(0.2)
    raise RuntimeError("dies")


@app.websocket("/parses")
async def parses(websocket: WebSocket):
    await websocket.accept()
    await websocket.receive_json()
    await talk(websocket)


@app.websocket("/depends")
async def depends(websocket: WebSocket, token: str):
    await websocket.accept()
    await talk(websocket)

#= streams
#+ page
cors()


@app.get("/api/events-ok")
async def events():
    async def lines():
        for n in range(4):
            yield f"data: {n}\n\n"
            await asyncio.sleep(0.3)

    return StreamingResponse(lines(), media_type="text/event-stream")


@app.get("/api/lines-ok")
async def lines():
    async def parts():
        for n in range(3):
            yield f'{{"n": {n}}}\n'
            await asyncio.sleep(0.2)

    return StreamingResponse(parts(), media_type="application/x-ndjson")


@app.get("/api/never")
async def never():
    await asyncio.sleep(60)


@app.get("/api/head-then-nothing")
async def cut():
    async def parts():
        yield "x" * 10
        await asyncio.sleep(60)

    return StreamingResponse(parts(), media_type="text/plain")

#= bearer
#+ page
from fastapi.security import HTTPBearer, OAuth2PasswordBearer, APIKeyHeader
cors(allow_credentials=True)


@app.get("/api/bearer")
def bearer(given: Annotated[object, Depends(HTTPBearer())]):
    raise HTTPException(401, "Invalid authentication credentials")


@app.get("/api/oauth")
def oauth(given: Annotated[object, Depends(OAuth2PasswordBearer("token"))]):
    raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})


@app.get("/api/key")
def key(given: Annotated[object, Depends(APIKeyHeader(name="X-API-Key"))]):
    raise HTTPException(403, "Invalid API key")


@app.get("/api/scope")
def scope(given: Annotated[object, Depends(HTTPBearer())]):
    raise HTTPException(403, "Not enough permissions", {"WWW-Authenticate": 'Bearer scope="admin"'})


@app.get("/api/audience")
def audience(given: Annotated[object, Depends(HTTPBearer())]):
    raise HTTPException(401, "Audience doesn't match")

#= reads-cookie
#+ page
cors(allow_credentials=True)


@app.api_route("/login", methods=["GET", "POST"])
def login(response: Response):
    response.set_cookie("session", "alice", samesite="lax", httponly=True)
    return {"ok": True}


@app.websocket("/ws")
async def socket(websocket: WebSocket):
    await websocket.accept()
    if "session" not in websocket.cookies:
        await websocket.close(4401, "Not logged in")
        return
    if websocket.headers.get("origin") != PAGE:
        await websocket.close(4403, "Origin not allowed")
        return
    await talk(websocket)


@app.websocket("/ws-quiet")
async def quiet(websocket: WebSocket):
    if "session" not in websocket.cookies or websocket.headers.get("origin") != PAGE:
        await websocket.close()
        return
    await websocket.accept()
    await talk(websocket)


@app.get("/api/me")
def me(request: Request):
    if "session" not in request.cookies:
        raise HTTPException(401, "Not authenticated")
    return {"user": "alice"}

#= csrf
#+ page
cors(allow_credentials=True)


@app.post("/api/form")
def form(request: Request):
    if "x-csrf-token" not in request.headers:
        raise HTTPException(403, "CSRF token missing")
    return {"ok": True}
