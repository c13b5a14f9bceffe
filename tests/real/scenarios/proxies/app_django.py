"""Django with Channels on daphne behind a proxy, for tests/real/scenarios: `app_django.py OPTIONS`.

OPTIONS is JSON: `port`. A socket at /ws/chat/<room>/ sends a first message; everything else is Django's own 404.
"""

import json
import sys

import django
from django.conf import settings

options = json.loads(sys.argv[1])
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of a test", LOGGING_CONFIG=None)
django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.core.asgi import get_asgi_application
from django.urls import path


class Chat(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send_json({"type": "welcome"})


urlpatterns = []
sockets = OriginValidator(URLRouter([path("ws/chat/<room>/", Chat.as_asgi())]), ["http://localhost:3000"])
application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": sockets})
endpoints = build_endpoint_description_strings(host="127.0.0.1", port=options["port"])
Server(application, endpoints=endpoints, signal_handlers=False).run()
