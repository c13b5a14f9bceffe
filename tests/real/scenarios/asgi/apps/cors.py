"""CORS as ENV["cors"] says it: CORSMiddleware's arguments, or none. A crash. A list of trusted hosts."""

from fastapi import FastAPI, Request, WebSocket  # noqa: F401
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

app = FastAPI()


@app.middleware("http")
async def by_hand(request: Request, call_next):
    response = await call_next(request)
    for name, value in ENV.get("headers", {}).items():
        response.headers[name] = request.headers.get("origin", "") if value == "$origin" else value
    return response


@app.api_route("/api/ping", methods=["GET", "POST", "PUT", "DELETE"])
async def ping():
    return {"ok": True}


@app.get("/api/boom")
async def boom():
    raise RuntimeError("boom")


# fix:
if "hosts" in ENV:
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=ENV["hosts"])
if "cors" in ENV:
    app.add_middleware(CORSMiddleware, **ENV["cors"])
# :fix
