"""Webhooks over REST: who may, what is refused in words, the secret that is shown once, the audit trail."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.infra.outbound import Outbound
from app.services import webhooks
from app.settings import get_settings
from app.tables import AuditEvent, Webhook, WebhookDelivery
from app.tables.base import utcnow
from tests.support.hooks import attempt, deliveries
from tests.support.people import Person
from tests.support.receiver import Receiver, receiver

API = "/api/v1/webhooks"
AsPerson = Callable[..., TestClient]


@pytest.fixture
def inbox(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("TRAINYARD_WEBHOOK_ALLOW_PRIVATE", "true")
    get_settings.cache_clear()
    with receiver() as started:
        yield started


def body(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "chat", "url": url, "events": ["job.failed", "job.completed"], **more}


def made(admin: TestClient, inbox: Receiver, **more: Any) -> dict[str, Any]:
    answer = admin.post(API, json=body(inbox.url, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_webhook_is_created_listed_shown_changed_and_deleted(admin: TestClient, inbox: Receiver) -> None:
    hook = made(admin, inbox)["webhook"]
    assert hook["events"] == ["job.completed", "job.failed"]
    path = f"{API}/{hook['id']}"
    assert admin.get(path).json() == hook
    assert [item["id"] for item in admin.get(API, params={"is_active": True}).json()["items"]] == [hook["id"]]
    changed = admin.put(path, json={"is_active": False, "events": ["job.failed", "job.failed"]}).json()
    assert (changed["is_active"], changed["events"], changed["url"]) == (False, ["job.failed"], inbox.url)
    assert admin.get(API, params={"is_active": True}).json()["items"] == []
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_lost_update_is_refused(admin: TestClient, inbox: Receiver) -> None:
    path = f"{API}/{made(admin, inbox)['webhook']['id']}"
    seen = admin.get(path).headers["etag"]
    assert admin.put(path, json={"name": "first"}, headers={"If-Match": seen}).status_code == 200
    assert admin.put(path, json={"name": "second"}, headers={"If-Match": seen}).status_code == 412
    assert admin.get(path).json()["name"] == "first"


def test_secret_is_shown_at_creation_and_rotation_and_stands_nowhere(admin: TestClient, inbox: Receiver) -> None:
    first = made(admin, inbox)
    path = f"{API}/{first['webhook']['id']}"
    second = admin.post(f"{path}/rotate-secret")
    assert second.status_code == 201
    secrets = (first["secret"], second.json()["secret"])
    assert secrets[0] != secrets[1]
    assert all(secret.startswith("whsec_") for secret in secrets)
    with transaction() as session:
        rows = [*session.exec(select(Webhook)), *session.exec(select(AuditEvent))]
    kept = str([row.model_dump() for row in rows]) + admin.get(path).text + admin.get(API).text
    assert not any(secret.removeprefix("whsec_") in kept for secret in secrets)


def test_repeated_creation_makes_one_webhook_and_shows_no_secret_twice(admin: TestClient, inbox: Receiver) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    assert admin.post(API, json=body(inbox.url), headers=key).status_code == 201
    again = admin.post(API, json=body(inbox.url), headers=key)
    assert (again.status_code, "secret" in again.json()) == (409, False)
    assert len(admin.get(API).json()["items"]) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/", "https://"),
        ("https://127.0.0.1/hook", "private or reserved"),
        ("https://localhost:8443/", "private or reserved"),
        ("https://[::ffff:10.0.0.1]/", "private or reserved"),
        ("https://a:b@example.org/", "no user name"),
        ("https://nowhere.invalid/", "cannot be resolved"),
        ("https://example.org:25/", "Port 25"),
    ],
)
def test_address_that_may_not_be_called_is_refused_in_words(admin: TestClient, url: str, words: str) -> None:
    answer = admin.post(API, json=body(url))
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert answer.json()["field"] == "url"
    assert admin.get(API).json()["items"] == []


def test_changed_address_is_looked_at_too(admin: TestClient, inbox: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{API}/{made(admin, inbox)['webhook']['id']}"
    monkeypatch.setattr(webhooks, "outbound", lambda: Outbound(resolver=lambda _host: ["10.0.0.1"]))
    assert admin.put(path, json={"url": "https://intranet.example.org/"}).status_code == 422
    assert admin.get(path).json()["url"] == inbox.url


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": []}, {"events": ["job.exploded"]}, {"events": ["webhook.ping"]}, {"name": ""}, {"secret": "mine"},
        {"organization_id": 999_999}, {"url": "https://example.org/" + "x" * 2000},
    ],
)  # fmt: skip
def test_wrong_webhook_is_refused(admin: TestClient, inbox: Receiver, wrong: dict[str, Any]) -> None:
    assert admin.post(API, json={**body(inbox.url), **wrong}).status_code in (404, 422)
    assert admin.get(API).json()["items"] == []


@pytest.mark.parametrize("wrong", [{"name": None}, {"url": None}, {"organization_id": 1}, {"events": []}])
def test_wrong_change_is_refused(admin: TestClient, inbox: Receiver, wrong: dict[str, Any]) -> None:
    path = f"{API}/{made(admin, inbox)['webhook']['id']}"
    assert admin.put(path, json=wrong).status_code == 422


def test_ping_is_delivered_logged_and_sent_again(admin: TestClient, inbox: Receiver) -> None:
    hook = made(admin, inbox)
    path = f"{API}/{hook['webhook']['id']}"
    sent = admin.post(f"{path}/ping")
    assert (sent.status_code, sent.json()["status"]) == (201, "pending")
    assert attempt(deliveries()[0].id, utcnow(), Outbound(allow_private=True)) == "delivered"
    again = admin.post(f"{path}/deliveries/{sent.json()['id']}/replay")
    assert again.status_code == 201
    log = admin.get(f"{path}/deliveries").json()["items"]
    assert [(item["status"], item["message_id"]) for item in log] == [
        ("pending", sent.json()["message_id"]),
        ("delivered", sent.json()["message_id"]),
    ]
    assert log[1]["response_status"] == 200
    only = admin.get(f"{path}/deliveries", params={"status": "delivered"}).json()["items"]
    assert [item["id"] for item in only] == [sent.json()["id"]]


def test_deliveries_are_paged_and_a_cursor_belongs_to_its_webhook(admin: TestClient, inbox: Receiver) -> None:
    one, two = (f"{API}/{made(admin, inbox)['webhook']['id']}" for _ in range(2))
    sent = [admin.post(f"{one}/ping").json()["id"] for _ in range(3)]
    first = admin.get(f"{one}/deliveries", params={"limit": 2}).json()
    rest = admin.get(f"{one}/deliveries", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == sent[::-1]
    assert admin.get(f"{two}/deliveries", params={"cursor": first["next_cursor"]}).status_code == 422


def test_every_change_is_in_the_audit_log_without_paths_that_may_be_secret(admin: TestClient, inbox: Receiver) -> None:
    url = inbox.url.replace("/hook", "/services/T0/verysecret?token=verysecret")
    path = f"{API}/{admin.post(API, json=body(url)).json()['webhook']['id']}"
    delivery = admin.post(f"{path}/ping").json()["id"]
    attempt(deliveries()[0].id, utcnow(), Outbound(allow_private=True))
    admin.post(f"{path}/deliveries/{delivery}/replay")
    admin.post(f"{path}/rotate-secret")
    admin.put(path, json={"url": url + "2"})
    admin.delete(path)
    with transaction() as session:
        query = select(AuditEvent).where(col(AuditEvent.subject_type) == "webhooks").order_by(col(AuditEvent.id))
        events = list(session.exec(query))
    actions = ("create", "ping", "replay", "rotate_secret", "update", "delete")
    assert [event.action for event in events] == [f"webhook.{action}" for action in actions]
    assert "verysecret" not in str([event.model_dump() for event in events])
    assert events[0].after["host"] == "127.0.0.1"


def test_only_super_admins_may(
    as_person: AsPerson,
    admin: TestClient,
    inbox: Receiver,
    super_admin: Person,
    enterprise_admin: Person,
    member: Person,
) -> None:
    own = made(admin, inbox, organization_id=enterprise_admin.organization_id)["webhook"]["id"]
    delivery = admin.post(f"{API}/{own}/ping").json()["id"]
    calls = [
        ("GET", API, None), ("POST", API, body(inbox.url)), ("GET", f"{API}/{own}", None),
        ("PUT", f"{API}/{own}", {"name": "mine"}), ("DELETE", f"{API}/{own}", None),
        ("POST", f"{API}/{own}/rotate-secret", None), ("POST", f"{API}/{own}/ping", None),
        ("GET", f"{API}/{own}/deliveries", None), ("POST", f"{API}/{own}/deliveries/{delivery}/replay", None),
    ]  # fmt: skip
    for person in (enterprise_admin, member):
        caller = as_person(person)
        for method, path, sent in calls:
            assert caller.request(method, path, json=sent).status_code == 403, (method, path)
    reader = as_person(super_admin, "read")
    for method, path, sent in calls:
        assert reader.request(method, path, json=sent).status_code == (200 if method == "GET" else 403), (method, path)
    with transaction() as session:
        assert session.exec(select(WebhookDelivery)).one().status == "pending"


def test_webhook_that_does_not_exist_is_not_found(admin: TestClient, database: str) -> None:
    path = f"{API}/{uuid4()}"
    for method, tail in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/ping"), ("POST", "/rotate-secret"),
                         ("GET", "/deliveries"), ("POST", f"/deliveries/{uuid4()}/replay")):  # fmt: skip
        assert admin.request(method, path + tail, json={} if method == "PUT" else None).status_code == 404
