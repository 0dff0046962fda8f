"""What the log must not hold, and who must not be able to fill it."""

from starlette.testclient import TestClient

from app.domain.permissions import SystemActor
from app.infra.db import transaction
from app.services import audit_chain

AUDIT = "/api/v1/training/audit"


def test_no_secret_is_in_the_whole_log(admin: TestClient) -> None:
    """Everything that is shown once or sent as a password is looked for in an export of all events."""
    token = admin.post("/api/v1/auth/tokens", json={"name": "script"}).json()["token"]
    hook = {"name": "hook", "url": "https://93.184.215.14/a-path-like-a-secret?key=1", "events": ["job.completed"]}
    secret = admin.post("/api/v1/webhooks", json=hook).json()["secret"]
    password = "a password that nobody may read"
    person = {"email": "new@example.test", "name": "New", "password": password, "role": "super_admin"}
    assert admin.post("/api/v1/users", json=person).status_code == 201
    wrong = {"email": "new@example.test", "password": "a wrong guess that may be right elsewhere"}
    assert admin.post("/api/v1/auth/sign-in", json=wrong).status_code == 401
    with transaction() as session:
        audit_chain.seal(session, SystemActor("test"))
    log = admin.get(f"{AUDIT}/export").text
    for told in ("user.create", "api_token.create", "webhook.create", "sign-in-failed"):
        assert told in log
    for hidden in (token, token[-20:], secret, "a-path-like-a-secret", password, wrong["password"], "argon2"):
        assert hidden not in log, hidden


def test_strangers_cannot_fill_the_log(client: TestClient, admin: TestClient) -> None:
    for _ in range(5):
        assert client.get("/api/v1/training/jobs").status_code == 401
    found = admin.get(AUDIT, params={"actor": "anonymous"}).json()["items"]
    assert [event["action"] for event in found] == ["api.list_jobs"]
