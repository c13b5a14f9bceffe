"""Django with Channels on daphne, for tests/real: `django_site.py OPTIONS`.

OPTIONS is JSON: `port`, `folder` (for the database), `samesite` (of the session's cookie), `age` (seconds that a session
lasts). Django's own login view at /accounts/login/ (user `ops`, password `wirewatch`); /me/ wants a session and /end/ ends
all of them; /ws/chat/ is let in by AuthMiddlewareStack, and closes with 4401 when its session has ended.
"""

import asyncio
import json
import os
import sys

import django
from django.conf import settings

options = json.loads(sys.argv[1])
FORM = """<form method="post">{% csrf_token %}{{ form }}<input type="submit" value="Log in"></form>"""

settings.configure(
    ALLOWED_HOSTS=["*"],
    APPEND_SLASH=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(options["folder"], "db")}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    LOGIN_REDIRECT_URL="/me/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
    SESSION_COOKIE_AGE=options.get("age", 1209600),
    SESSION_COOKIE_SAMESITE=options.get("samesite", "Lax"),
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", {"registration/login.html": FORM})]},
        }
    ],
)
django.setup()

from channels.auth import AuthMiddlewareStack, get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import JsonResponse
from django.urls import path


@login_required
def me(request):
    return JsonResponse({"user": request.user.username})


def end(request):
    Session.objects.all().delete()
    return JsonResponse({})


class Chat(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if not self.scope["user"].is_authenticated:
            await self.close()
            return
        await self.accept()
        self.watch = asyncio.ensure_future(self.until_over())

    async def until_over(self):
        exists = database_sync_to_async(lambda: Session.objects.filter(pk=self.scope["session"].session_key).exists())
        while await exists():
            await asyncio.sleep(0.1)
        await self.close(code=4401)

    async def disconnect(self, code):
        if hasattr(self, "watch"):
            self.watch.cancel()


urlpatterns = [path("accounts/login/", LoginView.as_view()), path("me/", me), path("end/", end)]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AuthMiddlewareStack(URLRouter([path("ws/chat/", Chat.as_asgi())])),
    }
)

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    User.objects.create_user("ops", password="wirewatch")
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=options["port"])
    ready = lambda: print(f"port {options['port']}", flush=True)
    Server(application, endpoints=endpoints, signal_handlers=False, ready_callable=ready).run()
