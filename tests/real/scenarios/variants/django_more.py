"""More views and consumers of ../asgi/project/urls.py, for tests/real/scenarios."""

import asyncio

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse


def forbidden(request):
    return HttpResponse("<h1>403 Forbidden</h1>", status=403)


def to_login(request):
    return HttpResponseRedirect("/accounts/login/?next=/api/x/")


def login_page(request):
    return HttpResponse("<form method=post></form>")


def throttled(request):
    return JsonResponse({"detail": "Request was throttled. Expected available in 42 seconds."}, status=429, headers={"Retry-After": "42"})


def bad_token(request):
    if "Authorization" not in request.headers:
        return JsonResponse({"detail": "Authentication credentials were not provided."}, status=401, headers={"WWW-Authenticate": "Token"})
    return JsonResponse({"detail": "Invalid token."}, status=401, headers={"WWW-Authenticate": "Token"})


def simple_jwt(request):
    return JsonResponse({"detail": "Given token not valid for any token type", "code": "token_not_valid", "messages": [{"message": "Token is expired"}]}, status=401)


def rows(request):
    return JsonResponse({"rows": [{"n": n, "text": "x" * 50} for n in range(5000)]})


urlpatterns += [
    path("api/forbidden/", forbidden),
    path("api/to-login/", to_login),
    path("accounts/login/", login_page),
    path("api/throttled/", throttled),
    path("api/bad-token/", bad_token),
    path("api/jwt/", simple_jwt),
    path("api/rows/", rows),
]


class Coded(AsyncJsonWebsocketConsumer):
    """Closes with the code of its path, before or after it accepts."""

    async def connect(self):
        words = self.scope["url_route"]["kwargs"]
        if words["when"] == "after":
            await self.accept()
        await self.close(words["code"])


class Token(AsyncJsonWebsocketConsumer):
    """Wants ?token=good."""

    async def connect(self):
        if b"token=good" not in self.scope["query_string"]:
            await self.close(4001)
            return
        await self.accept()


class Slow(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await asyncio.sleep(0.25)
        await self.accept()
        await self.send_json({"type": "connection_established"})


class Spoken(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept("chat.v2")


class Receives(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        raise RuntimeError(content)


class Hangs(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await asyncio.sleep(60)


websocket_urlpatterns += [
    path("ws/coded/<str:when>/<int:code>/", Coded.as_asgi()),
    path("ws/token/", Token.as_asgi()),
    path("ws/slow/", Slow.as_asgi()),
    path("ws/spoken/", Spoken.as_asgi()),
    path("ws/receives/", Receives.as_asgi()),
    path("ws/hangs/", Hangs.as_asgi()),
]
