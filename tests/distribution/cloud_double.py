"""A real HTTP server with the four requests that `trainyard keys` makes, over a `World` and the product's own rules."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.distribution import approvals, pinning, repository
from app.distribution.approvals import TargetEntry
from app.distribution.keys import KeyPair, public_key_to_dict
from app.errors import DomainError, NotFound
from tests.distribution.world import NOW

TOKEN = "tyt_test"


class CloudDouble:
    """What the server stores; `models` maps ids to entries, and `lie` may rewrite any answer before it is sent."""

    def __init__(self) -> None:
        self.online = KeyPair.generate("server")
        self.root: bytes | None = None
        self.targets: bytes | None = None
        self.emails: dict[str, str] = {}
        self.models: dict[str, TargetEntry] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.lies: dict[str, Any] = {}
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        self.requests.append((method, path, body))
        if path == "trust":
            return self._trust()
        if path == "trust/root":
            candidate = body["metadata"].encode()
            repository.verify_new_root(candidate, self.root, self.online.public, now=NOW)
            self.root = candidate
            self.emails |= {known["keyid"]: known["email"] for known in body["approvers"]}
            return {}
        model = self.models.get(path.split("/")[1])
        if model is None:
            raise NotFound("There is no such model version.")
        return self._propose(model) if method == "GET" else self._approve(model, body)

    def _trust(self) -> dict[str, Any]:
        root = None
        if self.root is not None:
            root = {"version": 1, "sha256": pinning.fingerprint(self.root), "metadata": self.root.decode()}
        return {
            "online_public_key": public_key_to_dict(self.online.public),
            "online_keyid": self.online.keyid,
            "root": root,
            "approvers": [{"keyid": keyid, "email": email} for keyid, email in self.emails.items()],
        }

    def _propose(self, model: TargetEntry) -> dict[str, Any]:
        payload = approvals.propose_targets(self.targets, [model], approvals.default_expiry(NOW))
        present = self.targets.decode() if self.targets else None
        answer = {"payload_base64": base64.b64encode(payload).decode(), "summary": "", "current_targets": present}
        return {**answer, **self.lies}

    def _approve(self, model: TargetEntry, body: Any) -> dict[str, Any]:
        assert self.root
        self.targets = approvals.accept_approval(
            base64.b64decode(body["payload_base64"]),
            body["keyid"],
            body["signature"],
            root=self.root,
            current_targets=self.targets,
            expected_entries=[model],
            now=NOW,
        )
        return {}


@contextmanager
def serve(cloud: CloudDouble) -> Iterator[CloudDouble]:
    """`cloud` on a free port of this host."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._handle("GET", None)

        def do_POST(self) -> None:
            self._handle("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _handle(self, method: str, body: Any) -> None:
            try:
                assert self.headers["Authorization"] == f"Bearer {TOKEN}"
                status, value = 200, cloud.answer(method, self.path.removeprefix("/api/v1/training/"), body)
            except DomainError as error:
                status, value = error.status, {"title": error.title, "detail": error.message}
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests need no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
