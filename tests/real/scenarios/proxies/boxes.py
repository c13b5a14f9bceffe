"""Middle boxes on the way, for tests/real/scenarios: `boxes.py OPTIONS`.

OPTIONS is JSON: a list of [port, behaviour, backend's port]. HTTP passes each of them; of an upgrade `reset` makes a reset,
`page` a page of its own, `close` an end without an answer, `hang` nothing at all, `frames` a 101 after which no frame passes,
and `strip` passes it without Upgrade and Connection. `silent` takes connections and never answers.
"""

import asyncio
import json
import re
import socket
import struct
import sys

PAGE = b"<html><head><title>Blocked</title></head><body><h1>Access blocked by corporate policy</h1>Category: WebSocket / Streaming</body></html>"


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def serve(reader, writer, behaviour, backend):
    if behaviour == "silent":
        await reader.read()
        return writer.close()
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return writer.close()
    upgrade = b"\r\nupgrade:" in head.lower()
    if upgrade and behaviour == "reset":
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return writer.close()
    if upgrade and behaviour == "page":
        writer.write(
            b"HTTP/1.1 403 Forbidden\r\nServer: CorpGate/4.1\r\nContent-Type: text/html\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(PAGE) + PAGE
        )
        await writer.drain()
        return writer.close()
    if upgrade and behaviour == "close":
        return writer.close()
    if upgrade and behaviour == "hang":
        await reader.read()
        return writer.close()
    if upgrade and behaviour == "strip":
        head = re.sub(rb"\r\n(upgrade|connection):[^\r]*", b"", head, flags=re.I)
    # One request a connection, so that the head of each is seen.
    if not (upgrade and behaviour != "strip"):
        head = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.I)[:-2] + b"Connection: close\r\n\r\n"
    their_reader, their_writer = await asyncio.open_connection("127.0.0.1", backend)
    their_writer.write(head)
    if upgrade and behaviour == "frames":
        writer.write(await their_reader.readuntil(b"\r\n\r\n"))
        await reader.read()
        their_writer.close()
        return writer.close()
    await asyncio.gather(pump(reader, their_writer), pump(their_reader, writer))


async def main():
    for port, behaviour, backend in json.loads(sys.argv[1]):
        handle = lambda reader, writer, how=behaviour, to=backend: serve(reader, writer, how, to)
        await asyncio.start_server(handle, "127.0.0.1", port)
    await asyncio.Event().wait()


asyncio.run(main())
