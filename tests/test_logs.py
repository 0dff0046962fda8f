"""Log lines in both formats, and what never stands in one."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from app import redaction
from app.domain.permissions import SystemActor
from app.logs import JsonLines, TextLines, formatter, working_on
from app.services.request_context import RequestContext, request_context
from app.settings import get_settings


@pytest.fixture(autouse=True)
def _redacting() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    redaction.install()
    yield
    logging.setLogRecordFactory(before)


def record(
    message: str, *args: object, fields: dict[str, object] | None = None, trace: bool = False
) -> logging.LogRecord:
    extra = {"fields": fields} if fields else None
    return logging.getLogger("app.somewhere").makeRecord(
        "app.somewhere", logging.WARNING, __file__, 1, message, args, sys.exc_info() if trace else None, extra=extra
    )


def test_a_json_line_says_when_who_and_what() -> None:
    context = RequestContext("abc123", "10.0.0.1", {"actor": SystemActor("worker")})
    reset = request_context.set(context)
    try:
        line = json.loads(JsonLines("web").format(record("moved %d", 3, fields={"ms": 4.5})))
    finally:
        request_context.reset(reset)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "process": "web",
        "logger": "app.somewhere",
        "message": "moved 3",
        "request_id": "abc123",
        "actor": "worker",
        "ms": 4.5,
    }


def test_what_is_not_known_is_not_said() -> None:
    assert {"request_id", "actor", "job_id"}.isdisjoint(json.loads(JsonLines("web").format(record("x"))))


def test_a_worker_says_which_job_also_from_its_other_threads() -> None:
    lines = JsonLines("worker")
    with working_on(job_id="J1", attempt="2"):
        during = json.loads(lines.format(record("x")))
    assert (during["job_id"], during["attempt"]) == ("J1", "2")
    assert "job_id" not in json.loads(lines.format(record("x")))
    with working_on(job_id="J1"):
        assert TextLines("worker").format(record("epoch")).endswith("worker app.somewhere: epoch [job_id=J1]")


def test_a_line_break_begins_no_other_line() -> None:
    text = TextLines("web").format(record("a\n2026-01-01T00:00:00Z INFO    web app: forged"))
    assert all(line.startswith("  ") for line in text.splitlines()[1:])
    assert "\n" not in JsonLines("web").format(record("a\nforged"))


def test_a_trace_goes_along() -> None:
    try:
        raise ValueError("with tyat_0123456789abcdef in it")
    except ValueError:
        made = record("broke", trace=True)
    line = json.loads(JsonLines("web").format(made))
    assert "ValueError" in line["exception"]
    assert "0123456789abcdef" not in line["exception"]
    assert "0123456789abcdef" not in TextLines("web").format(made)


def test_the_setting_chooses_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    for chosen, kind in (("json", JsonLines), ("text", TextLines)):
        monkeypatch.setenv("TRAINYARD_LOG_FORMAT", chosen)
        get_settings.cache_clear()
        assert type(formatter("web")) is kind
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "text",
    [
        "{'headers': {'cookie': 'a=1; trainyard_session=SECRETSECRET', 'x': 1}}",
        '{"cookie": "trainyard_session=SECRETSECRET"}',
        "got trainyard_session=SECRETSECRET; Path=/",
        "got __Host-trainyard=SECRETSECRET; Path=/",
        "got __Host-trainyard_oidc=SECRETSECRET; Path=/",
        "Set-Cookie: 'trainyard_session=SECRETSECRET; HttpOnly'",
        "Authorization: Bearer SECRETSECRETSECRET",
        "token tyat_SECRETSECRET was used",
        "secret whsec_SECRETSECRET==",
        "GET http://store/bucket/key?X-Amz-Algorithm=AWS4&X-Amz-Signature=SECRETSECRET&x=1",
        "GET https://server/api/v1/auth/oidc/callback?code=SECRETSECRET&state=SECRETSECRET",
        "jwt eyJhbGciOiJFZERTQSJ9.eyJTRUNSRVRTRUNSRVQiOjF9.SECRETSECRET",
        """Event(payload={'form': {'current_password': 'SECRET \\'SECRET', 'name': 'x'}})""",
        """Event(payload={'form': {'new_password': "SECRET'SECRET"}})""",
        '{"password": "SECRET \\"SECRET", "email": "ada@example.test"}',
        "cannot reach postgresql://trainyard:SECRETSECRET@db:5432/x",
        "cannot reach redis://:SECRETSECRET@cache:6379/0",
    ],
)
def test_credentials_are_hidden_wherever_they_stand(text: str) -> None:
    for line in (record(text).getMessage(), record("%s", text).getMessage()):
        assert "SECRET" not in line
        assert redaction.HIDDEN in line


def test_other_words_stay() -> None:
    text = "job 5f0c52e0 of ada@example.test: state=running, code=200, password: wrong, http://127.0.0.1:8700/jobs?cursor=abc"
    assert record(text).getMessage() == text


def test_installing_twice_redacts_once() -> None:
    first = logging.getLogRecordFactory()
    redaction.install()
    assert logging.getLogRecordFactory() is first
