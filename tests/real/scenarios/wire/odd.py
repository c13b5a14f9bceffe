"""Servers that break the rules, for tests/real: `odd.py sockets | port WHAT | http ORIGIN | relay HOST:PORT LEAST MOST |
full`.

`sockets`: a WebSocket server whose path says which rule it breaks. `port`: what holds a port and speaks no HTTP. `http`:
answers 404 on /missing and 200 elsewhere, with CORS headers for ORIGIN where that is not empty. `relay`: a
TCP relay that holds each chunk back, by seconds from LEAST to MOST. `full`: listens, and its queue is full. Each prints its
port once it listens.
"""

import asyncio
import base64
import hashlib
import itertools
import socket
import struct
import sys

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(first, payload, mask=b""):
    """One frame: its first byte as it stands, the shortest length."""
    size = len(payload)
    head = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
    if mask:
        head = bytes([head[0] | 0x80]) + head[1:] + mask
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([first]) + head + payload


HI = frame(0x81, b"hi")
# Each is sent behind a good 101, and the connection stays.
FRAMES = {
    "/no-pong": HI,
    "/masked": frame(0x81, b"hi", mask=b"mask"),
    "/rsv": frame(0xC1, b"hi"),
    "/opcode": frame(0x83, b"hi"),
    "/bigcontrol": frame(0x89, b"p" * 130),
    "/fragcontrol": frame(0x09, b"p"),
    "/continuation": frame(0x80, b"hi"),
    "/interleaved": frame(0x01, b"h") + HI,
    "/badutf8": frame(0x81, b"\xff\xfe"),
    "/badclose": frame(0x88, b"\x03"),
    "/closecode": frame(0x88, struct.pack("!H", 1005)),
    "/silent": b"",
}
# What each does to the 101 itself.
HEADS = {
    "/wrong-accept": {"Sec-WebSocket-Accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
    "/no-accept": {"Sec-WebSocket-Accept": None},
    "/no-upgrade": {"Upgrade": None},
    "/no-connection": {"Connection": None},
    "/extension": {"Sec-WebSocket-Extensions": "x-private"},
    "/subprotocol": {"Sec-WebSocket-Protocol": "chat.v9"},
}
REFUSALS = {
    "/version": "426 Upgrade Required\r\nSec-WebSocket-Version: 8",
    "/ignored": "200 OK\r\nContent-Type: text/plain",
}


async def talk(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    path = head.split()[1].split("?")[0]
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])}
    key = fields.get("sec-websocket-key")
    if path in REFUSALS or not key:
        status = REFUSALS.get(path, "404 Not Found")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno".encode())
        return
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    answer = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept, **HEADS.get(path, {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in answer.items() if value)
    writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
    writer.write(FRAMES.get(path, HI))
    await writer.drain()
    if path.endswith("-then-drop"):
        await asyncio.sleep(0.3)
        return
    if path.endswith("-then-reset"):
        await asyncio.sleep(0.3)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return
    while True:
        first, size = await reader.readexactly(2)
        payload = await reader.readexactly((size & 0x7F) + 4)
        if path not in FRAMES:
            mask, payload = payload[:4], payload[4:]
            plain = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            if first & 0x0F == 8:
                writer.write(frame(0x88, plain))
                return
            if first & 0x0F == 9:
                writer.write(frame(0x8A, plain))


# What is said at once, and to each line.
SAYINGS = {
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", b"Invalid SSH identification string.\r\n"),
    "smtp": (b"220 mail.example.test ESMTP Postfix\r\n", b"502 5.5.2 Error: command not recognized\r\n"),
    "mysql": (b"\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00", b""),
    "redis": (b"", b"+PONG\r\n"),
    "close": (b"", b""),
    "reset": (b"", b""),
    "silent": (b"", b""),
}


def hold(what):
    at_once, later = SAYINGS[what]

    async def answer(reader, writer):
        writer.write(at_once)
        await writer.drain()
        line = await reader.readline()
        if what == "silent":
            await reader.read()
        elif what == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        # As Redis does: an HTTP request is an attack, and is not answered.
        elif what != "redis" or line.strip().upper() == b"PING":
            writer.write(later)

    return answer


def plain(origin):
    cors = f"Access-Control-Allow-Origin: {origin}\r\nVary: Origin\r\n" if origin else ""

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        status = "404 Not Found" if b" /missing" in head else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\n{cors}Content-Length: 3\r\nConnection: close\r\n\r\nok\n".encode())
        await writer.drain()

    return answer


def relay(host, port, least, most):
    # From one end to the other and back, so that no run is without its extremes; what opens connections has a round of its own,
    # however many chunks come after.
    parts = [least + (most - least) * part for part in (0, 1, 0.3, 0.8, 0.1, 0.5, 0.9)]
    opening, later = itertools.cycle(parts), itertools.cycle(parts)

    async def pump(reader, writer, slow):
        between = opening
        while chunk := await reader.read(65536):
            if slow:
                await asyncio.sleep(next(between))
                between = later
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def answer(reader, writer):
        there, here = await asyncio.open_connection(host, port)
        await asyncio.gather(pump(reader, here, False), pump(there, writer, True))

    return answer


async def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "full":
        listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        print("port", listening.getsockname()[1], flush=True)
        kept = [socket.socket() for _ in range(4)]
        for one in kept:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        await asyncio.Event().wait()
    if what == "relay":
        answer = relay(*rest[0].split(":"), *map(float, rest[1:]))
    else:
        answer = {"sockets": lambda: talk, "port": lambda: hold(*rest), "http": lambda: plain(*rest)}[what]()

    async def guarded(reader, writer):
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
