"""An edge's request counts only with a fresh signature of its own key over exactly this request."""

import json
import time
import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.infra.queue import get_redis
from app.settings import get_settings
from tests.support.edges import PREFIX, EdgeClient, b64
from tests.support.people import Person, make_token

BEAT = {"edge_version": "0.1.0", "platform": "linux/x86_64", "loaded": []}


def refused(answer: Any, code: str) -> bool:
    body = answer.json()
    assert answer.status_code == 401, answer.text
    return bool(body["type"].endswith(f"/{code}")) and answer.headers["www-authenticate"] == "Bearer"


def test_honest_request_is_accepted(edge_client: EdgeClient) -> None:
    assert edge_client.heartbeat().status_code == 200


WRONG_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "edge-999999"}, "edge-not-enrolled"),
    ({"iss": "trainyard"}, "edge-not-enrolled"),
    ({"iss": 1}, "edge-token-invalid"),
    ({"aud": "another"}, "edge-token-invalid"),
    ({"htm": "GET"}, "edge-token-invalid"),
    ({"htp": f"{PREFIX}/tuf/metadata/1.root.json"}, "edge-token-invalid"),
    ({"htp": "/heartbeat"}, "edge-token-invalid"),
    ({"bsh": b64(bytes(32))}, "edge-token-invalid"),
    ({"jti": "short"}, "edge-token-invalid"),
    ({"jti": None}, "edge-token-invalid"),
    ({"jti": "x" * 129}, "edge-token-invalid"),
    ({"jti": "\ud800" * 8}, "edge-token-invalid"),
    ({"iat": 10**400, "exp": 10**400}, "edge-token-invalid"),
    ({"iat": -(10**400), "exp": 0}, "edge-token-invalid"),
    ({"exp": None}, "edge-token-invalid"),
    ({"iat": float("nan"), "exp": float("nan")}, "edge-token-invalid"),
    ({"iat": True, "exp": True}, "edge-clock-skew"),
]


def test_claim_that_is_not_of_this_request_is_refused(edge_client: EdgeClient) -> None:
    answers = [(edge_client.call("POST", "/heartbeat", BEAT, **claims), code) for claims, code in WRONG_CLAIMS]
    answers.append((edge_client.call("POST", "/heartbeat", BEAT, exp=time.time() + 10_000), "edge-token-invalid"))
    assert [WRONG_CLAIMS[n : n + 1] for n, (answer, code) in enumerate(answers) if not refused(answer, code)] == []


NESTED = b"[" * 50_000
HEADERS = [
    NESTED,
    b"{}",
    b"[]",
    b"null",
    b'{"alg": []}',
    b'{"alg": {}}',
    b'{"alg": "EdDSA", "crit": 1}',
    b"\xff",
]


def test_token_of_rubbish_is_refused_and_breaks_nothing(edge_client: EdgeClient) -> None:
    claims = json.dumps({"iss": f"edge-{edge_client.id}"}).encode()
    tokens = [f"{b64(header)}.{b64(claims)}.{b64(bytes(64))}" for header in HEADERS]
    tokens += [f"{b64(b'{}')}.{b64(payload)}.x" for payload in (NESTED, b"[]", b"7", b"\xff", b'{"iss": []}')]
    for token in (*tokens, ".", "..", "a.b.c"):
        assert refused(edge_client.send("POST", "/heartbeat", b"{}", token), "edge-token-invalid"), token[:60]


def test_clock_may_be_off_by_five_minutes(edge_client: EdgeClient) -> None:
    for seconds, accepted in ((-350, True), (-370, False), (290, True), (320, False)):
        now = int(time.time()) + seconds
        answer = edge_client.call("POST", "/heartbeat", BEAT, iat=now, exp=now + 60)
        assert answer.status_code == 200 if accepted else refused(answer, "edge-clock-skew")


def test_body_that_was_changed_on_the_way_is_refused(edge_client: EdgeClient) -> None:
    body = json.dumps(BEAT).encode()
    token = edge_client.sign(edge_client.claims("POST", f"{PREFIX}/heartbeat", body))
    changed = body.replace(b"0.1.0", b"0.1.1")
    assert refused(edge_client.send("POST", "/heartbeat", changed, token), "edge-token-invalid")
    assert edge_client.send("POST", "/heartbeat", body, token).status_code == 200


def test_request_is_accepted_once(edge_client: EdgeClient) -> None:
    body = json.dumps(BEAT).encode()
    token = edge_client.sign(edge_client.claims("POST", f"{PREFIX}/heartbeat", body))
    assert edge_client.send("POST", "/heartbeat", body, token).status_code == 200
    assert refused(edge_client.send("POST", "/heartbeat", body, token), "edge-token-replayed")


def test_key_of_somebody_else_signs_nothing(edge_client: EdgeClient) -> None:
    thief = EdgeClient(edge_client.http, id=edge_client.id)
    assert refused(thief.heartbeat(), "edge-token-invalid")


def test_other_algorithms_are_refused(edge_client: EdgeClient) -> None:
    body = json.dumps(BEAT).encode()
    for name in ("none", "HS256", "ES256"):
        token = edge_client.sign(edge_client.claims("POST", f"{PREFIX}/heartbeat", body), alg=name)
        for sent in (token, token.rsplit(".", 1)[0] + "."):
            assert refused(edge_client.send("POST", "/heartbeat", body, sent), "edge-token-invalid")


def test_what_is_no_token_is_refused(edge_client: EdgeClient) -> None:
    for token in ("", "x", "a.b", "a.b.c", "....", f"{b64(b'{}')}.{b64(b'[1]')}.x", "é.é.é"):
        headers = {"Authorization": f"Bearer {token}".encode()}
        answer = edge_client.http.post(f"{PREFIX}/heartbeat", json=BEAT, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401, (token, answer.text)


def test_person_is_no_edge_and_an_edge_is_no_person(edge_client: EdgeClient, super_admin: Person) -> None:
    headers = {"Authorization": f"Bearer {make_token(super_admin)}"}
    assert edge_client.http.post(f"{PREFIX}/heartbeat", json=BEAT, headers=headers).status_code == 401
    path = "/api/v1/training/datasets"
    token = edge_client.sign(edge_client.claims("GET", path, b""))
    assert edge_client.http.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_revoked_edge_is_refused_and_may_come_back_with_a_new_token(admin: TestClient, edge_client: EdgeClient) -> None:
    path = f"/api/v1/training/edge-servers/{edge_client.id}"
    assert admin.post(f"{path}/revoke").status_code == 200
    assert refused(edge_client.heartbeat(), "edge-revoked")
    token = admin.post(f"{path}/enrolment-token").json()["token"]
    assert refused(edge_client.heartbeat(), "edge-not-enrolled")
    again = EdgeClient(edge_client.http)
    assert again.enrol(token).status_code == 200
    assert again.heartbeat().status_code == 200
    assert refused(edge_client.heartbeat(), "edge-token-invalid")


def test_without_the_memory_of_used_tokens_nobody_is_let_in(
    edge_client: EdgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    get_redis.cache_clear()
    answer = edge_client.heartbeat()
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_token_enrols_once(admin: TestClient, edge_client: EdgeClient) -> None:
    created = admin.post("/api/v1/training/edge-servers", json={"name": "second"}).json()
    token = created["enrolment"]["token"]
    first, late = EdgeClient(edge_client.http), EdgeClient(edge_client.http)
    assert first.enrol(token).status_code == 200
    assert refused(late.enrol(token), "token-unknown")
    assert first.heartbeat().status_code == 200


def test_made_up_and_renewed_tokens_do_not_enrol(admin: TestClient, edge_client: EdgeClient) -> None:
    created = admin.post("/api/v1/training/edge-servers", json={"name": "second"}).json()
    old, edge = created["enrolment"]["token"], EdgeClient(edge_client.http)
    kind, number, secret, root = old.split("_")
    forged = f"{kind}_{number}_{uuid.uuid4().hex}_{root}"
    assert secret not in forged
    assert refused(edge.enrol(forged), "token-unknown")
    admin.post(f"/api/v1/training/edge-servers/{created['edge_server']['id']}/enrolment-token")
    assert refused(edge.enrol(old), "token-unknown")


def test_two_edges_cannot_share_a_key(admin: TestClient, edge_client: EdgeClient) -> None:
    created = admin.post("/api/v1/training/edge-servers", json={"name": "second"}).json()
    answer = EdgeClient(edge_client.http, key=edge_client.key).enrol(created["enrolment"]["token"])
    assert answer.status_code == 409
