"""Every credential has a share of requests of its own, told in every answer; who has used it up waits."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from app.infra import queue
from app.settings import get_settings
from tests.support.edges import EdgeClient
from tests.support.people import Person

AsPerson = Callable[..., TestClient]
ME = "/api/v1/auth/me"


@pytest.fixture
def narrow(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Five requests a minute with a credential, three without."""
    monkeypatch.setenv("TRAINYARD_RATE_LIMIT_PER_MINUTE", "5")
    monkeypatch.setenv("TRAINYARD_ANONYMOUS_LIMIT_PER_MINUTE", "3")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def remaining(field: str) -> int:
    return int(field.partition("r=")[2].partition(";")[0])


@pytest.mark.usefixtures("narrow")
def test_share_is_told_used_up_and_refused_with_the_time_to_wait(as_person: AsPerson, super_admin: Person) -> None:
    caller = as_person(super_admin)
    answers = [caller.get(ME) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"requests";q=5;w=60'
    assert [remaining(answer.headers["ratelimit"]) for answer in answers[:5]] == [4, 3, 2, 1, 0]
    refusal = answers[-1]
    assert refusal.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refusal.headers["retry-after"]) <= 60
    assert refusal.json()["type"].endswith("/too-many-requests")


@pytest.mark.usefixtures("narrow")
def test_nobody_uses_up_the_share_of_another(as_person: AsPerson, super_admin: Person, second_admin: Person) -> None:
    greedy = as_person(super_admin)
    while greedy.get(ME).status_code == 200:
        pass
    assert as_person(second_admin).get(ME).status_code == 200
    assert as_person(super_admin).get(ME).status_code == 200, "another token of the same person has its own"


@pytest.mark.usefixtures("narrow")
def test_guessing_tokens_is_counted_by_address(client: TestClient) -> None:
    guesses = [client.get(ME, headers={"Authorization": f"Bearer tyat_{n}"}).status_code for n in range(5)]
    assert guesses == [401] * 3 + [429] * 2
    assert client.get(ME).status_code == 429, "the address is counted, not the guess"


def test_edge_server_is_counted_for_itself(edge_client: EdgeClient, narrow: None, client: TestClient) -> None:
    assert [edge_client.heartbeat().status_code for _ in range(6)] == [200] * 5 + [429]


@pytest.mark.usefixtures("narrow")
def test_lost_redis_limits_nobody(as_person: AsPerson, super_admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = as_person(super_admin)
    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    queue.get_redis.cache_clear()
    assert [caller.get(ME).status_code for _ in range(6)] == [200] * 6
    queue.get_redis.cache_clear()
