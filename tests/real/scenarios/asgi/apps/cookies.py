"""A login that sets a session's cookie; its socket takes the cookie from any origin."""

from fastapi import FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI(debug=ENV.get("debug", False))
ORIGINS = ["http://localhost:5173", "http://app.example.test:5173", "http://app.other.test:5173"]
app.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_credentials=True, allow_methods=["*"], allow_headers=["*"])
COOKIE = {"path": "/", "samesite": "lax", "httponly": True} | ENV.get("cookie", {})


@app.api_route("/login", methods=["GET", "POST"])
async def login(response: Response):
    response.set_cookie("session", "alice", **COOKIE)
    return {"ok": True}


@app.post("/refuses")
async def refuses():
    raise HTTPException(401, "Wrong user name or password")


@app.get("/api/me")
async def me(request: Request):
    if request.cookies.get("session") != "alice":
        raise HTTPException(401, "Not logged in")
    return {"user": "alice"}


@app.get("/api/admin")
async def admin(request: Request):
    if request.cookies.get("session") != "alice":
        raise HTTPException(401, "Not logged in")
    raise HTTPException(403, "Admin role required")


# fix:
# :fix


@app.websocket("/ws")
@app.websocket("/api/chat/ws")
async def chat(websocket: WebSocket):
    if websocket.cookies.get("session") != "alice":
        await websocket.close(1008)
        return
    await websocket.accept()
    await websocket.send_json({"type": "info", "message": "Connected to AI coach."})
    async for _ in websocket.iter_text():
        pass
