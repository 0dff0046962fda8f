"""A caller of the public API, as any script would be one."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from app.errors import DomainError


class DemoFailed(DomainError):
    """A step of the demonstration did not happen."""

    code, title = "demo-failed", "The demonstration failed"


class ApiClient:
    """JSON in and out; a problem document becomes `DemoFailed` with its detail."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        # Without a token it is a browser that signed in: such changes must say that they come from the own site.
        headers = {"Authorization": f"Bearer {token}"} if token else {"Origin": base_url}
        self._http = httpx.Client(base_url=f"{base_url}/api/v1", headers=headers, timeout=60)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """The answer's JSON."""
        response = self._http.request(method, path, json=body, params=params or None)
        while response.status_code == 429:  # the server says how long to wait
            time.sleep(int(response.headers["retry-after"]))
            response = self._http.request(method, path, json=body, params=params or None)
        if response.is_error:
            detail = (
                response.json().get("detail") if "json" in response.headers.get("content-type", "") else response.text
            )
            raise DemoFailed(f"{method} {path} answered {response.status_code}: {detail}")
        return response.json() if response.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def items(self, path: str, **params: Any) -> list[Any]:
        """Every item of a paged list."""
        found: list[Any] = []
        cursor = None
        while True:
            page = self.get(path, **{**params, "limit": 200, **({"cursor": cursor} if cursor else {})})
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def sign_in(self, email: str, password: str, token_name: str) -> "ApiClient":
        """Sign in with a password, make an API token, and return a client that uses it; this one is done."""
        self.post("/auth/sign-in", {"email": email, "password": password})
        token = self.post("/auth/tokens", {"name": token_name, "scope": "full", "days": 30})["token"]
        self._http.close()
        return ApiClient(str(self._http.base_url).removesuffix("/api/v1/"), token)


def until(what: str, check: Callable[[], Any], seconds: float) -> Any:
    """The first true answer of `check`, or `DemoFailed` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)
