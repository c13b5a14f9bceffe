"""A `websockets` server for tests/real: /echo, /ticks, /quiet, /bye?code=C&after=S, /private (401),
/healthy (a 200 that the page may read); anything else is 404.

Takes the address and the port (0: any) to listen on, and `alone` for permessage-deflate without context takeover and in
narrow windows; prints the port once it listens. Only pages of http://app.localhost
may connect.
"""

import asyncio
import http
import logging
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


def refuse(connection, request):
    path = urlsplit(request.path).path
    if path == "/healthy":
        response = connection.respond(http.HTTPStatus.OK, "well\n")
        response.headers["Access-Control-Allow-Origin"] = "http://app.localhost"
        return response
    if path == "/private":
        return connection.respond(http.HTTPStatus.UNAUTHORIZED, "sign in first\n")
    if path not in ("/echo", "/ticks", "/quiet", "/bye"):
        return connection.respond(http.HTTPStatus.NOT_FOUND, "no such socket\n")
    return None


async def talk(connection):
    url = urlsplit(connection.request.path)
    query = parse_qs(url.query)
    if url.path == "/bye":
        await asyncio.sleep(float(query["after"][0]))
        await connection.close(int(query["code"][0]), "see you")
    elif url.path == "/ticks":
        number = 0
        while True:
            number += 1
            await connection.send(f'{{"type":"tick","n":{number}}}')
            await asyncio.sleep(0.2)
    elif url.path == "/echo":
        async for message in connection:
            await connection.send(message)
    else:
        await connection.wait_closed()


async def handle(connection):
    try:
        await talk(connection)
    except ConnectionClosed:
        pass


async def main():
    # A refused handshake is what some tests are about, not a mistake to be shown.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    address, port = sys.argv[1], int(sys.argv[2])
    options = dict(origins=["http://app.localhost"], process_request=refuse, ping_interval=None, max_size=None)
    if sys.argv[3:] == ["alone"]:
        # The client's window is narrowed only where the client says that it can.
        options["extensions"] = [ServerPerMessageDeflateFactory(True, True, 10, 9)]
    async with serve(handle, address, port, **options) as server:
        print("port", server.sockets[0].getsockname()[1])
        await server.serve_forever()


asyncio.run(main())
