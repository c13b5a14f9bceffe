"""Proxies with one fault each, and what stands behind them, for tests/real/scenarios: `serve.py OPTIONS`.

OPTIONS is JSON: `folder` (its own, empty), `python` (has Flask-SocketIO), `sites` (has FastAPI and Django), `node` (a
command with its arguments), `only` (the ids to serve; none: all), `fixes` (lines to be put in place of #FIX, by id).
Prints `ready` and a JSON object, id to port, once everything listens; ends, with all that it has started, when its standard
input does.
"""

import ctypes
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
options = json.loads(sys.argv[1])
folder = pathlib.Path(options["folder"])
wanted, fixes = options.get("only"), options.get("fixes", {})
children, held = [], []


def free_port():
    """Held until everything has its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    held.append(listener)
    return listener.getsockname()[1]


def start(*command, user=None):
    """A child that ends with us, as that user where we may choose."""
    environment = dict(os.environ, BACKEND=f"127.0.0.1:{known['flask']}")

    def with_us():
        # Who changes the user later is no longer killed with its parent.
        if user:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)

    log = open(folder / f"{pathlib.Path(command[0]).name}-{len(children)}.log", "wb")
    children.append(
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=with_us,
        )
    )


def sections(name, known, ports):
    """The sections of that file that are wanted, filled in."""
    parts = re.split(r"^#= (\S+)\n", (HERE / name).read_text(), flags=re.M)[1:]
    text = ""
    for id, part in zip(parts[::2], parts[1::2]):
        if wanted is not None and id not in wanted:
            continue
        ports[id] = free_port()
        values = dict(known, port=ports[id])
        text += re.sub(r"@(\w+)@", lambda found: str(values[found[1]]), part.replace("#FIX", fixes.get(id, "#")))
    return text


BACKENDS = ["flask", "flask2", "own", "login", "fastapi", "picky", "django", "node", "websockets", "plain", "silent"]
known = {name: free_port() for name in [*BACKENDS, "dead", "tls"]}
known["dir"] = folder
known["upgrade"] = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection upgrade; proxy_set_header Host $http_host;"
)
(folder / "www").mkdir()
(folder / "www/index.html").write_text("<!doctype html><title>Shop</title><div id=app></div>\n")
(folder / "www").chmod(0o755)
folder.chmod(0o755)
ports = {}

texts = {name: sections(name, known, ports) for name in ["nginx.conf", "apache.conf", "haproxy.cfg", "Caddyfile"]}
boxes = [(name, how) for name, how in [
    ("firewall-reset", "reset"),
    ("firewall-block-page", "page"),
    ("firewall-close", "close"),
    ("firewall-hang", "hang"),
    ("firewall-swallows-frames", "frames"),
    ("firewall-strips-upgrade", "strip"),
] if wanted is None or name in wanted]
ports.update({name: free_port() for name, _ in boxes})
ports.update({name: free_port() for name in ["squid", "squid-auth", "squid-closed", "tinyproxy", "tinyproxy-auth"]})
ports.update({name: known[name] for name in ["flask", "fastapi", "dead"]})

(folder / "nginx.conf").write_text(
    f"""daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type application/octet-stream; types {{ text/html html; }}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_req_zone $binary_remote_addr zone=slow:1m rate=2r/m;
  limit_req_zone $binary_remote_addr zone=slower:1m rate=2r/m;
  limit_req_zone $binary_remote_addr zone=one:1m rate=10r/s;
  limit_conn_zone $binary_remote_addr zone=each:1m;
  limit_conn_zone $binary_remote_addr zone=each2:1m;
  server {{ listen 127.0.0.1:{known["plain"]}; default_type application/json;
    location = /api/ping {{ return 200 '{{"ok":true}}'; }} location / {{ return 500 '{{"error":"database"}}'; }} }}
{texts["nginx.conf"]}}}
"""
)
modules = "mpm_event authz_core unixd proxy proxy_http proxy_wstunnel headers alias rewrite dir mime setenvif"
load = "".join(
    f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
    for name in modules.split()
    if os.path.exists(f"/usr/lib/apache2/modules/mod_{name}.so")
)
(folder / "apache").mkdir()
nobody = pwd.getpwnam("www-data") if os.geteuid() == 0 else None
if nobody:
    os.chown(folder / "apache", nobody.pw_uid, nobody.pw_gid)
(folder / "apache.conf").write_text(
    f"""ServerRoot {folder}
PidFile {folder}/apache/pid
ServerName localhost
ErrorLog {folder}/apache/error.log
Mutex pthread
TypesConfig /dev/null
ProxyTimeout 30
{load}
<Directory {folder}/www>
  Require all granted
</Directory>
{texts["apache.conf"]}"""
)
(folder / "haproxy.cfg").write_text(
    # One thread: two of them may each let the last connection that a server has room for in, at the same moment.
    f"""global
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
{texts["haproxy.cfg"]}"""
)
(folder / "Caddyfile").write_text(f"{{\n  admin off\n  auto_https off\n}}\n{texts['Caddyfile']}")
squid = f"""visible_hostname proxy.corp.example
cache deny all
access_log none
cache_log /dev/null
cache_store_log none
shutdown_lifetime 0 seconds
coredump_dir {folder}
netdb_filename none
acl SSL_ports port 443
"""
allowed = "http_access deny CONNECT !SSL_ports\nhttp_access allow localhost\nhttp_access deny all\n"
auth = "auth_param basic program /usr/lib/squid/basic_fake_auth\nacl known proxy_auth REQUIRED\nhttp_access allow known\n"
for name, rules in [("squid", allowed), ("squid-auth", auth), ("squid-closed", "http_access deny all\n")]:
    (folder / f"{name}.conf").write_text(
        f"{squid}pid_filename {folder}/{name}.pid\nhttp_port 127.0.0.1:{ports[name]}\n{rules}"
    )
for name, rules in [("tinyproxy", "ConnectPort 443\n"), ("tinyproxy-auth", "BasicAuth staff secret\n")]:
    (folder / f"{name}.conf").write_text(f"Port {ports[name]}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\n{rules}")

for listener in held:
    listener.close()
apps = [
    ("python", "app_flask.py", "flask", {}),
    ("python", "app_flask.py", "flask2", {}),
    ("python", "app_flask.py", "own", {"origins": None}),
    ("python", "app_flask.py", "login", {"path": "/app/socket.io", "login": True}),
    ("sites", "app_fastapi.py", "fastapi", {}),
    ("sites", "app_fastapi.py", "picky", {"origin": "http://localhost:5173"}),
    ("sites", "app_django.py", "django", {}),
]
for python, script, name, more in apps:
    start(options[python], str(HERE / script), json.dumps({"port": known[name], **more}))
start(options["python"], str(HERE.parent.parent / "server.py"), "127.0.0.1", str(known["websockets"]))
if options.get("node"):
    start(*options["node"], json.dumps({"port": known["node"], "origins": ["http://localhost:3000"]}))
listening = [(ports[name], how, known["flask"]) for name, how in boxes]
start(options["python"], str(HERE / "boxes.py"), json.dumps([*listening, (known["silent"], "silent", 0)]))
start("nginx", "-p", str(folder), "-e", "stderr", "-c", "nginx.conf")
for name, text, command in [
    ("apache", texts["apache.conf"], ["apache2", "-X", "-f", str(folder / "apache.conf")]),
    ("haproxy", texts["haproxy.cfg"], ["haproxy", "-db", "-q", "-f", "haproxy.cfg"]),
    ("caddy", texts["Caddyfile"], ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]),
]:
    if text:
        start(*command, user=nobody if name == "apache" else None)
for name in ["squid", "squid-auth", "squid-closed"]:
    start("squid", "-N", "-f", f"{name}.conf")
for name in ["tinyproxy", "tinyproxy-auth"]:
    start("tinyproxy", "-d", "-c", f"{name}.conf")

until = time.monotonic() + 60
without_node = [] if options.get("node") else ["node"]
for name, port in {**known, **ports}.items():
    if name in ("dir", "upgrade", "dead", "tls", *without_node):
        continue
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            ended = [child.args for child in children if child.poll() is not None]
            if ended or until < time.monotonic():
                logs = "".join(f"{log}: {log.read_text()[-600:]}\n" for log in folder.glob("*.log"))
                sys.exit(f"{name} does not listen; ended: {ended}\n{logs}")
            time.sleep(0.05)
print("ready", json.dumps(ports), flush=True)
sys.stdin.read()
for child in children:
    child.kill()
