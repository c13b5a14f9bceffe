"""A Django and Channels project in one file under daphne, for tests/real/scenarios: `channels_site.py SETTINGS`, JSON of Django's
settings, with `origins` (OriginValidator's list in the place of AllowedHostsOriginValidator), `fix` (lines of settings.py) and
`order` (`last`: CorsMiddleware below all others)."""

import json
import pathlib
import sys

wanted = json.loads(sys.argv[1])
settings_py = {
    "DEBUG": False,
    "SECRET_KEY": "not-a-secret-but-a-key-of-a-test",
    "ROOT_URLCONF": "urls",
    "ALLOWED_HOSTS": ["localhost", "127.0.0.1"],
    "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.sessions", "corsheaders", "channels"],
    "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
    "CORS_ALLOWED_ORIGINS": ["http://localhost:3000"],
    "CORS_ALLOW_CREDENTIALS": True,
    "CORS_ALLOW_METHODS": ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"],
    "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    "LOGGING_CONFIG": None,
    "MIDDLEWARE": [
        "corsheaders.middleware.CorsMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
}
own = {name: wanted.pop(name, None) for name in ("origins", "fix", "order", "name")}
settings_py |= wanted
if own["order"] == "last":
    settings_py["MIDDLEWARE"].append(settings_py["MIDDLEWARE"].pop(0))
if own["fix"]:
    exec(own["fix"], settings_py)
    settings_py = {name: value for name, value in settings_py.items() if name.isupper()}

import django
from django.conf import settings

settings.configure(**settings_py)
django.setup()
sys.path.insert(0, str(pathlib.Path(__file__).parent / "project"))

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from channels.sessions import SessionMiddlewareStack
from daphne.server import Server
from django.core.asgi import get_asgi_application
from urls import sockets

http = get_asgi_application()
sockets = SessionMiddlewareStack(URLRouter(sockets))
origins = settings_py.get("WEBSOCKET_ORIGINS", own["origins"])
checked = OriginValidator(sockets, origins) if origins else AllowedHostsOriginValidator(sockets)
application = ProtocolTypeRouter({"http": http, "websocket": checked})


def ready():
    print("port", own["name"] or "site", server.listening_addresses[0][1], flush=True)
    print("ready", flush=True)


server = Server(application, endpoints=["tcp:port=0:interface=127.0.0.1"], ready_callable=ready, signal_handlers=False)
server.run()
