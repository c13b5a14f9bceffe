"""The project's routes."""

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.http import HttpResponseForbidden, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def cart(request):
    if not request.session.session_key:
        request.session.create()
    visits = request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"cart": request.session.session_key, "visits": visits})


def broken(request):
    raise RuntimeError("broken")


@csrf_exempt
def login(request):
    request.session["user"] = "alice"
    return JsonResponse({"ok": True})


def me(request):
    if "user" not in request.session:
        return JsonResponse({"detail": "Authentication credentials were not provided."}, status=403)
    return JsonResponse({"user": request.session["user"]})


def admin(request):
    if "user" not in request.session:
        return JsonResponse({"detail": "Authentication credentials were not provided."}, status=403)
    return JsonResponse({"detail": "You do not have permission to perform this action."}, status=403)


@csrf_exempt
def post(request):
    return JsonResponse({"ok": True})


def form(request):
    return JsonResponse({"ok": True})


urlpatterns = [
    path("api/billing/carts/current/", cart),
    path("api/billing/carts/500/", broken),
    path("api/login/", login),
    path("api/me/", me),
    path("api/admin/", admin),
    path("api/post/", post),
    path("api/form/", form),
]


class Chat(AsyncJsonWebsocketConsumer):
    """Joins its room, and says so."""

    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()
        await self.send_json({"type": "connection_established"})


class Crash(AsyncJsonWebsocketConsumer):
    """Raises while it connects."""

    async def connect(self):
        raise RuntimeError("crash")


class CrashLater(AsyncJsonWebsocketConsumer):
    """Raises once it is connected."""

    async def connect(self):
        await self.accept()
        raise RuntimeError("crash")


class Private(AsyncJsonWebsocketConsumer):
    """Wants somebody who is signed in."""

    async def connect(self):
        if "user" not in self.scope["session"]:
            await self.close()
            return
        await self.accept()
        await self.send_json({"type": "connection_established"})


class Told(Private):
    """Accepts whoever comes, and closes with 4401 where nobody is signed in."""

    async def connect(self):
        await self.accept()
        if "user" not in self.scope["session"]:
            await self.close(4401)


websocket_urlpatterns = [
    path("ws/chat/<str:room>/", Chat.as_asgi()),
    path("ws/crash/", Crash.as_asgi()),
    path("ws/crash-later/", CrashLater.as_asgi()),
    path("ws/private/", Private.as_asgi()),
    path("ws/told/", Told.as_asgi()),
]
