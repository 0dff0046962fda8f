"""A browser that signs in at the provider, and what the product has written about it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlmodel import select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.tables import AuditEvent, User, UserSession

AUTH = "/api/v1/auth"
ROLES = [
    {"claim": "groups", "value": "admins", "role": "super_admin"},
    {"claim": "resource.trainyard.roles", "value": "viewer", "role": "organization_admin", "organization": "Acme Ltd"},
    {"claim": "https://acme.example/staff", "value": True, "role": "member"},
]


def to_provider(client: TestClient, next_path: str = "/jobs?page=2") -> str:
    """Press the button; where the provider sends the browser back to."""
    answer = client.get(f"{AUTH}/oidc/start", params={"next": next_path})
    assert answer.status_code == 303, answer.text
    back = httpx.get(answer.headers["location"], trust_env=False)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["location"])
    return f"{parts.path}?{parts.query}"


def sign_in(client: TestClient, next_path: str = "/jobs?page=2") -> str:
    """Press the button and come back; where the product leads."""
    answer = client.get(to_provider(client, next_path))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def problem(location: str) -> str:
    parts = urlsplit(location)
    assert parts.path == "/sign-in", location
    return parse_qs(parts.query)["problem"][0]


def me(client: TestClient) -> dict[str, Any] | None:
    answer = client.get(f"{AUTH}/me")
    return answer.json() if answer.status_code == 200 else None


def sessions() -> list[UserSession]:
    with transaction() as session:
        return list(session.exec(select(UserSession)))


def events(outcome: str = "done") -> list[AuditEvent]:
    with transaction() as session:
        return list(session.exec(select(AuditEvent).where(AuditEvent.outcome == outcome).order_by("id")))


def refusals() -> list[str]:
    return [event.after["code"] for event in events("refused") if event.action == "session.sign_in"]


def people() -> list[User]:
    with transaction() as session:
        return list(session.exec(select(User).order_by("id")))
