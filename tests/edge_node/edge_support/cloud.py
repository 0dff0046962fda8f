"""A cloud over real HTTP that keeps to docs/edge-protocol.md, with a store. Tests change it as they run."""

import base64
import hashlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .bundles import Version
from .repository import Repository

API = "/api/v1/edge"
LONGEST = 2000
NEXT = {
    "pending": {"downloading", "failed"},
    "downloading": {"downloading", "installing", "failed"},
    "installing": {"installing", "completed", "failed"},
    "completed": set(),
    "failed": set(),
}


def unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Deployment:
    version: Version
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "pending"
    error_message: str | None = None
    statuses: list[str] = field(default_factory=list)
    superseded: bool = False


class FakeCloud:
    """One edge server's cloud. Public attributes are the test's levers."""

    def __init__(self, interval: float = 0.1) -> None:
        self.repository = Repository()
        self.store: dict[str, bytes] = {}
        self.deployments: dict[str, Deployment] = {}
        self.heartbeats: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.ranges: list[str | None] = []
        self.public_key: Ed25519PublicKey | None = None
        self.organization_id: int | None = 7
        self.token_root: str | None = None
        self.interval = interval
        self.cut_download_after: int | None = None
        self.slow_chunk_seconds = 0.0
        self.answer_ranges_with_200 = False
        self.busy_for: set[str] = set()
        self.turned_away = 0
        self.stale_listing = False
        self.reports: list[tuple[str, str]] = []
        self.changed = threading.Condition()
        self._token_spent = False
        self._seen_ids: set[str] = set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return f"tyedge_1_s3cr_et-x_{self.token_root or self.repository.root_sha256}"

    def new_token(self) -> None:
        self._token_spent = False

    def calm_down(self) -> None:
        """Put every lever back."""
        self.cut_download_after = None
        self.slow_chunk_seconds = 0.0
        self.answer_ranges_with_200 = False
        self.busy_for = set()
        self.stale_listing = False
        if self._server is None:
            self.start()
        for deployment in self.deployments.values():
            deployment.superseded = True
        self.repository.publish()

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                Exchange(cloud, self).answer("GET")

            def do_POST(self) -> None:
                Exchange(cloud, self).answer("POST")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def release(self, version: Version) -> None:
        """Approve, sign, publish and store: the honest way."""
        self.store[version.target] = version.data
        self.repository.approve(version)

    def deploy(self, version: Version) -> Deployment:
        deployment = Deployment(version)
        with self.changed:
            for other in self.deployments.values():
                if other.version.ai_module == version.ai_module and other.status not in ("completed", "failed"):
                    other.superseded = True
            self.deployments[deployment.id] = deployment
        return deployment

    def wait(self, condition: Callable[[], Any], seconds: float = 40.0, what: str = "") -> Any:
        """Wait until `condition` holds; it is asked again whenever the node called."""
        with self.changed:
            reached = self.changed.wait_for(condition, seconds)
        assert reached, f"not within {seconds} s: {what}; deployments {self.deployments}; last {self.heartbeats[-1:]}"
        return reached

    def settle(self, deployment: Deployment, seconds: float = 40.0) -> Deployment:
        self.wait(lambda: deployment.status in ("completed", "failed"), seconds, "a settled deployment")
        return deployment

    def refusal_of(self, version: Version) -> str:
        """Deploy `version` and return the sentence with which the node refused it."""
        deployment = self.settle(self.deploy(version))
        assert deployment.status == "failed", f"{version.target} was accepted"
        assert deployment.error_message
        return deployment.error_message


class Exchange:
    """One request and its answer."""

    def __init__(self, cloud: FakeCloud, handler: BaseHTTPRequestHandler) -> None:
        self.cloud = cloud
        self.handler = handler
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(length)
        self.path = handler.path.split("?")[0]

    def answer(self, method: str) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._answer(method)
        with self.cloud.changed:
            self.cloud.changed.notify_all()

    def _answer(self, method: str) -> None:
        path = self.path.removeprefix(API)
        if self.path.startswith("/store/"):
            self._stored(self.path.removeprefix("/store/"))
        elif path == "/enrol":
            self._enrol()
        elif (problem := self._check_token(method)) is not None:
            self.cloud.problems.append(problem)
            self._problem(401, "unauthenticated", problem)
        elif path == "/heartbeat":
            self._heartbeat()
        elif (data := self.cloud.repository.files.get(path.removeprefix("/tuf/metadata/"))) is not None:
            self._send(200, data)
        elif (match := re.fullmatch(r"/deployments/([^/]+)/(download|progress)", path)) is not None:
            deployment = self.cloud.deployments[match[1]]
            self._download(deployment) if match[2] == "download" else self._progress(deployment)
        else:
            self._problem(404, "not-found", path)

    def _check_token(self, method: str) -> str | None:
        header = self.handler.headers.get("Authorization", "")
        try:
            first, second, signature = header.removeprefix("Bearer ").split(".")
            assert self.cloud.public_key is not None
            self.cloud.public_key.verify(unpad(signature), f"{first}.{second}".encode())
        except (ValueError, AssertionError, InvalidSignature) as error:
            return f"bad signature: {error!r}"
        claims = json.loads(unpad(second))
        digest = base64.urlsafe_b64encode(hashlib.sha256(self.body).digest()).rstrip(b"=").decode()
        wanted = {"iss": "edge-1", "aud": "trainyard", "htm": method, "htp": self.path, "bsh": digest}
        wrong = {name: claims.get(name) for name, value in wanted.items() if claims.get(name) != value}
        if json.loads(unpad(first)) != {"alg": "EdDSA", "typ": "JWT", "kid": "edge-1"} or wrong:
            return f"wrong claims: {wrong}"
        if not (claims["iat"] <= time.time() + 1 and time.time() < claims["exp"] <= claims["iat"] + 60):
            return "expired"
        if claims["jti"] in self.cloud._seen_ids:
            return "jti seen before"
        self.cloud._seen_ids.add(claims["jti"])
        return None

    def _enrol(self) -> None:
        request = json.loads(self.body)
        if request["token"] != self.cloud.token or self.cloud._token_spent:
            return self._problem(401, "unauthenticated", "The token is unknown or spent.")
        self.cloud._token_spent = True
        self.cloud.public_key = Ed25519PublicKey.from_public_bytes(unpad(request["public_key"]))
        return self._json(
            {
                "edge_server_id": 1,
                "organization_id": self.cloud.organization_id,
                "name": "pump-house",
                "root": self.cloud.repository.files["1.root.json"].decode(),
                "heartbeat_interval_seconds": self.cloud.interval,
            }
        )

    def _heartbeat(self) -> None:
        beat = json.loads(self.body)
        if len(beat["last_error"] or "") > LONGEST:
            return self._problem(422, "invalid", "last_error is too long")
        self.cloud.heartbeats.append(beat)
        open_ones = [
            {
                "deployment_id": deployment.id,
                "ai_module": deployment.version.ai_module,
                "version": deployment.version.version,
                "model_version_id": deployment.version.model_version_id,
                "target": deployment.version.target,
                "status": "downloading" if self.cloud.stale_listing else deployment.status,
            }
            for deployment in list(self.cloud.deployments.values())
            if (deployment.status not in ("completed", "failed") or self.cloud.stale_listing)
            and not deployment.superseded
        ]
        return self._json(
            {"server_time": "", "heartbeat_interval_seconds": self.cloud.interval, "assignments": open_ones}
        )

    def _download(self, deployment: Deployment) -> None:
        self._json({"url": f"{self.cloud.url}/store/{deployment.version.target}", "expires_in_seconds": 300})

    def _progress(self, deployment: Deployment) -> None:
        report = json.loads(self.body)
        if len(report["error_message"] or "") > LONGEST:
            return self._problem(422, "invalid", "error_message is too long")
        self.cloud.reports.append((deployment.id, report["status"]))
        if report["status"] in self.cloud.busy_for:
            self.cloud.turned_away += 1
            return self._problem(503, "unavailable", "Busy.")
        if deployment.superseded:
            return self._problem(409, "deployment-superseded", "A newer deployment took its place.")
        if report["status"] not in NEXT[deployment.status]:
            return self._problem(409, "illegal-transition", f"{deployment.status} -> {report['status']}")
        deployment.error_message = report["error_message"]
        deployment.statuses.append(report["status"])
        deployment.status = report["status"]
        return self._json({"status": deployment.status})

    def _stored(self, name: str) -> None:
        data = self.cloud.store.get(name)
        if data is None:
            return self._send(404, b"<Error>NoSuchKey</Error>", {"Content-Type": "text/xml"})
        asked = self.handler.headers.get("Range")
        self.cloud.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        status, headers = 200, {}
        if asked:
            status = 200 if self.cloud.answer_ranges_with_200 else 206
            headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        cut, self.cloud.cut_download_after = self.cloud.cut_download_after, None
        return self._send(status, data[start:], headers, cut)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _problem(self, status: int, code: str, detail: str) -> None:
        body = {"type": f"https://trainyard.test/problems/{code}", "title": code, "status": status, "detail": detail}
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/problem+json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.handler.send_response(status)
        for name, value in (headers or {}).items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(data)))
        self.handler.end_headers()
        step = 1 << 16
        for at in range(0, len(data[:cut]), step):
            self.handler.wfile.write(data[:cut][at : at + step])
            if self.cloud.slow_chunk_seconds and self.path.startswith("/store/"):
                time.sleep(self.cloud.slow_chunk_seconds)  # a slow line, not a wait of the test
        if cut is not None:
            self.handler.close_connection = True
            self.handler.connection.close()
