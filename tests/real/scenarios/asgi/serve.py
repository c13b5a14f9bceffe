"""FastAPI and Socket.IO applications for tests/real/scenarios under uvicorn: `serve.py APPS`, JSON, a list of
`{"app": NAME, "env": {...}, "fix": TEXT, "ws": IMPLEMENTATION}`, all in one process, each at a free port that is printed as
`port NAME NUMBER`. `code` stands in the place of `apps/NAME.py`. `fix` stands in the place of the lines between `# fix:` and
`# :fix`, `fix_more` at the file's end, and the `.env` lines of `fix_env` in the environment that the application reads."""

import asyncio
import json
import pathlib
import re
import socket
import sys

import uvicorn

APPS = pathlib.Path(__file__).parent / "apps"
PLACE = re.compile(r"^( *)# fix:.*?# :fix$", re.DOTALL | re.MULTILINE)


def load(options):
    """The application of that name, its marked place replaced."""
    source = options.get("code") or (APPS / f"{options['app']}.py").read_text()
    if "fix" in options:

        def fixed(place):
            return "\n".join(place[1] + line for line in options["fix"].splitlines())

        source, places = PLACE.subn(fixed, source)
        assert places == 1, options["app"]
    lines = (line.partition("=") for line in options.get("fix_env", "").splitlines() if "=" in line)
    env = options.get("env", {}) | {name: value for name, _, value in lines}
    source += "\n" + options.get("fix_more", "")
    names = {"ENV": env, "__name__": options["app"]}
    exec(compile(source, options["app"], "exec"), names)
    return names["app"]


async def main():
    servers = []
    for options in json.loads(sys.argv[1]):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(load(options), log_level="critical", ws=options.get("ws", "websockets"), ws_max_size=options.get("ws_max_size", 2**24))
        servers.append(uvicorn.Server(config).serve(sockets=[listener]))
        print("port", options.get("name", options["app"]), listener.getsockname()[1], flush=True)
    print("ready", flush=True)
    await asyncio.gather(*servers)


asyncio.run(main())
