"""gunicorn's configuration, which it reads by itself: says when it listens."""


def when_ready(server):
    print("port", server.address[0][1], flush=True)
