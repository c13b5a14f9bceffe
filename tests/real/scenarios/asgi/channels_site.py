"""A Django and Channels project under daphne, for tests/real/scenarios: `channels_site.py SETTINGS`, JSON of Django's settings, with
`origins` (OriginValidator's list in the place of AllowedHostsOriginValidator; false: nothing checks), `order` (`last`: CorsMiddleware
below all others), `more` (code of views and consumers, run in urls.py), and lines that stand in the place of what is there: `fix` in settings.py, `fix_asgi` in asgi.py, `fix_routing` in
routing.py."""

import json
import pathlib
import sys

wanted = json.loads(sys.argv[1])
settings_py = {
    "DEBUG": False,
    "SECRET_KEY": "not-a-secret-but-a-key-of-a-test",
    "ROOT_URLCONF": "urls",
    "ALLOWED_HOSTS": ["localhost", "127.0.0.1"],
    "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "corsheaders", "channels"],
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
own = {name: wanted.pop(name, None) for name in ("origins", "fix", "fix_asgi", "fix_routing", "order", "name", "more")}
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

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from daphne.server import Server
import urls
from django.core.asgi import get_asgi_application
from django.urls import re_path
from urls import Chat, websocket_urlpatterns

if own["more"]:
    exec(own["more"], vars(urls))

django_asgi_app = get_asgi_application()
if own["fix_routing"]:
    websocket_urlpatterns[:0] = eval(f"[{own['fix_routing']}]", {"re_path": re_path, "Consumer": Chat})
sockets = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
if own["origins"]:
    sockets = OriginValidator(sockets, own["origins"])
elif own["origins"] is None:
    sockets = AllowedHostsOriginValidator(sockets)
application = ProtocolTypeRouter({"http": django_asgi_app, "websocket": sockets})
if own["fix_asgi"]:
    exec(own["fix_asgi"])


def ready():
    print("port", own["name"] or "site", server.listening_addresses[0][1], flush=True)
    print("ready", flush=True)


server = Server(application, endpoints=["tcp:port=0:interface=127.0.0.1"], ready_callable=ready, signal_handlers=False)
server.run()
