"""The cloud as the node sees it: one interface (`Cloud`) and its HTTP implementation.

Rules: the node calls, the cloud answers; every call has a timeout and an upper size; nothing in an answer is trusted
beyond its shape (what may be loaded is decided by the signed metadata alone). Problems (RFC 9457) become typed errors.
"""

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx

from edge_node.errors import CloudRefused, CloudUnreachable, Misconfigured, Superseded

API = "/api/v1/edge"
MAX_ANSWER_BYTES = 6_000_000
MAX_ASSIGNMENTS = 100
CLOCK_SKEW_SECONDS = 300
_UNWANTED = {"deployment-superseded", "illegal-transition"}
_AWAY = {408, 425, 429, 500, 502, 503, 504}
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Assignment:
    """A deployment that the cloud would like to see on this node."""

    deployment_id: str
    ai_module: str
    version: str
    model_version_id: str
    target: str
    status: str

    @property
    def label(self) -> str:
        return f"{self.ai_module}/{self.version}"


@dataclass(frozen=True)
class HeartbeatAnswer:
    interval_seconds: float
    assignments: tuple[Assignment, ...]


class Cloud(Protocol):
    """Everything the running node asks of the cloud. Raises CloudUnreachable, CloudRefused, Superseded."""

    def heartbeat(self, body: dict[str, Any]) -> HeartbeatAnswer: ...

    def metadata(self, filename: str) -> bytes: ...

    def download_url(self, deployment_id: str) -> str: ...

    def report(self, deployment_id: str, status: str, percent: int, error_message: str | None = None) -> None: ...


class HttpCloud:
    """`Cloud` over HTTP. One instance is shared by the node's threads."""

    def __init__(self, url: str, auth: httpx.Auth | None, timeout_seconds: float) -> None:
        self._base = check_cloud_url(url)
        self._deadline_seconds = timeout_seconds * 4
        timeout = httpx.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds))
        self._client = httpx.Client(auth=auth, timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        self._client.close()

    def enrol(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._json("POST", "/enrol", body)

    def heartbeat(self, body: dict[str, Any]) -> HeartbeatAnswer:
        return parse_heartbeat(self._json("POST", "/heartbeat", body))

    def metadata(self, filename: str) -> bytes:
        return self._send("GET", f"/tuf/metadata/{filename}", None)

    def download_url(self, deployment_id: str) -> str:
        url = self._json("POST", f"/deployments/{deployment_id}/download", {}).get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise CloudRefused("The cloud's download answer holds no http(s) address.", 200, "malformed-answer")
        return url

    def report(self, deployment_id: str, status: str, percent: int, error_message: str | None = None) -> None:
        body = {"status": status, "progress_percent": percent, "error_message": error_message}
        self._send("POST", f"/deployments/{deployment_id}/progress", json.dumps(body).encode())

    def _json(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._send(method, path, json.dumps(body).encode())
        try:
            value = json.loads(answer)
        except ValueError as error:
            raise CloudUnreachable(f"{self._base}{API}{path} answered something that is not JSON.") from error
        if not isinstance(value, dict):
            raise CloudUnreachable(f"{self._base}{API}{path} answered JSON that is not an object.")
        return value

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        url = f"{self._base}{API}{path}"
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                content = self._read(response)
        except httpx.HTTPError as error:
            raise CloudUnreachable(f"{self._base} does not answer: {_reason(error)}.") from error
        if response.is_success:
            return content
        raise problem_to_error(response.status_code, content, response.headers, f"{method} {API}{path}")

    def _read(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + self._deadline_seconds
        parts: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise CloudUnreachable(f"{self._base} answers with more than {MAX_ANSWER_BYTES} bytes.")
            if time.monotonic() > deadline:
                raise CloudUnreachable(f"{self._base} answers too slowly.")
            parts.append(chunk)
        return b"".join(parts)


def check_cloud_url(url: str) -> str:
    """The cloud's address without a trailing slash. Raises Misconfigured for anything but http(s)://host…"""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"The cloud's address {url!r} is not a URL: {error}.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Misconfigured(f"The cloud's address {url!r} must look like https://trainyard.example.")
    return url.rstrip("/")


def problem_to_error(status: int, content: bytes, headers: httpx.Headers, request: str) -> Exception:
    """The typed error for an answer that is not a success."""
    code, detail = _read_problem(content)
    said = f"{request} was answered {status}" + (f": {detail}" if detail else "")
    if status in _AWAY:
        return CloudUnreachable(said, _retry_after(headers.get("Retry-After")))
    if status == 401 and (skew := clock_skew(headers.get("Date"))) is not None and abs(skew) > CLOCK_SKEW_SECONDS:
        way = "behind" if skew > 0 else "ahead of"
        said += f" This machine's clock is {abs(skew) / 60:.0f} min {way} the cloud's: set it, for example with NTP."
    if status == 409 and code in _UNWANTED:
        return Superseded(said)
    return CloudRefused(said, status, code)


def clock_skew(date: str | None, now: datetime | None = None) -> float | None:
    """Seconds by which the cloud's clock (its `Date` header) is ahead of ours; None if it does not say."""
    if not date:
        return None
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return (theirs - (now or datetime.now(UTC))).total_seconds()


def parse_heartbeat(answer: dict[str, Any]) -> HeartbeatAnswer:
    """Check the shape of a heartbeat's answer; an assignment without its fields is left out."""
    interval = answer.get("heartbeat_interval_seconds")
    seconds = float(interval) if isinstance(interval, int | float) and not isinstance(interval, bool) else 5.0
    listed = answer.get("assignments")
    found = [_parse_assignment(item) for item in listed[:MAX_ASSIGNMENTS]] if isinstance(listed, list) else []
    return HeartbeatAnswer(min(max(seconds, 0.1), 3600.0), tuple(item for item in found if item is not None))


def _parse_assignment(item: Any) -> Assignment | None:
    names = ("deployment_id", "ai_module", "version", "model_version_id", "target", "status")
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in names):
        return None
    if not _MODULE.fullmatch(item["ai_module"]) or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", item["deployment_id"]):
        return None
    return Assignment(**{name: item[name] for name in names})


def _read_problem(content: bytes) -> tuple[str, str]:
    try:
        problem = json.loads(content)
    except ValueError:
        return "", ""
    if not isinstance(problem, dict):
        return "", ""
    code = str(problem.get("type") or "").rstrip("/").rsplit("/", 1)[-1]
    return code, str(problem.get("detail") or problem.get("title") or "")[:500]


def _retry_after(value: str | None) -> float | None:
    return min(float(value), 600.0) if value and value.isdigit() else None


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
