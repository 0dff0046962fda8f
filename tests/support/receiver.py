"""A receiver of webhooks on this machine: keeps what it is sent and answers as it is told."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """What the body says."""
        return dict(json.loads(self.body))

    def is_signed_with(self, secret: str) -> bool:
        """The signature, computed as Standard Webhooks describe it and without the product's code."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{expected}"


def status(code: int, **headers: str) -> Answer:
    """Answer with `code`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            request.send_header(name, value)
        request.end_headers()

    return answer


@dataclass
class Receiver:
    """`answers` are used one after the other, and then `status(200)`."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    got: list[Received] = field(default_factory=list)
    # Handlers that hang wait for this; it is set when the receiver ends.
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1].split("/")[0])

    def hang(self, request: BaseHTTPRequestHandler) -> None:
        """Take the request and never answer."""
        self.over.wait(60)
        request.close_connection = True


def close(request: BaseHTTPRequestHandler) -> None:
    """Take the request and hang up."""
    request.close_connection = True
    request.connection.close()


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Listen on a free port of this machine until the block ends."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.got.append(Received(self.path, headers, body))
            (made.answers.pop(0) if made.answers else status(200))(self)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Nothing: the test says what it expects."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
