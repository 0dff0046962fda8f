"""The few requests that `trainyard keys` makes: an API token, a timeout, and errors in words."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from app.errors import Conflict, Invalid, NotFound, Unavailable
from app.keys_cli.machine import read_text

TIMEOUT_SECONDS = 30
MAX_ANSWER = 16_000_000


class Cloud:
    """The training API of one server. The token goes nowhere else: no redirects, and no plain http but to this host."""

    def __init__(self, url: str, token_file: Path) -> None:
        parts = urlsplit(url)
        local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise Invalid(f"{url} is not an https address, so the API token could be overheard.")
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/training/",
            headers={"Authorization": f"Bearer {read_text(token_file).strip()}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=not local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`. Raises NotFound, Conflict with the server's reason, or Unavailable."""
        return self._send("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send `body` to `path`. Raises as `get` does."""
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} does not answer: {error or type(error).__name__}.") from error
        value = _object(response)
        if response.is_success and value is not None:
            return value
        reason = (value or {}).get("detail") or (value or {}).get("title") or "no reason given"
        message = f"The server refused {method} {path} ({response.status_code}): {reason}"
        raise (NotFound if response.status_code == httpx.codes.NOT_FOUND else Conflict)(message)


def _object(response: httpx.Response) -> dict[str, Any] | None:
    if len(response.content) > MAX_ANSWER:
        raise Invalid(f"The server's answer is longer than {MAX_ANSWER} bytes.")
    try:
        value = response.json()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
