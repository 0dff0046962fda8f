"""The API against its own description, by Schemathesis: requests made from the contract, and answers held to it.

No failure of the server, no status, type, header or shape that is not described, and nothing accepted that the
description forbids. `TRAINYARD_FUZZ_EXAMPLES=300 ./trainyard test tests/api/test_fuzz.py` is the long run.
"""

import copy
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from starlette.testclient import TestClient

from app.api.app import create_api
from app.api.marks import EDGE
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.tables import TrainingSample, Webhook
from tests.support.edges import EdgeClient
from tests.support.matrix import ROUTES
from tests.support.people import Person, make_token
from tests.support.world import World, make_world

EXAMPLES = int(os.environ.get("TRAINYARD_FUZZ_EXAMPLES", "4"))
BASE = "http://trainyard.test/api/v1"
ALWAYS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
OPERATIONS = {name: word for name, word in ROUTES.items() if name != "GET /metrics"}


@lru_cache
def described() -> dict[str, Any]:
    """Every operation of the contract, by `METHOD path`."""
    document = copy.deepcopy(create_api().openapi())
    # Who may call is tried in `test_matrix.py`; here every request is sent by who may.
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        operation["security"] = []
    schema = schemathesis.openapi.from_dict(document)
    return {result.ok().label: result.ok() for result in schema.get_all_operations()}


def test_every_route_is_described() -> None:
    assert set(described()) == set(OPERATIONS)


class Sender:
    """Sends a case as who may: a super admin by a fresh token, or an edge server by its signature."""

    def __init__(self, client: TestClient, person: Person, edge: EdgeClient) -> None:
        self.client, self.person, self.edge = client, person, edge

    def send(self, case: Any, word: str) -> httpx.Response:
        try:
            request = self._request(case)
        except httpx.InvalidURL:  # longer than any address that a client sends
            reject()
        if word == EDGE.value:
            body, path = request.read(), request.url.path
            token = self.edge.sign(self.edge.claims(request.method, path, body))
        else:
            token = make_token(self.person)
        if word != "public":
            request.headers["Authorization"] = f"Bearer {token}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.client.send(request, follow_redirects=False)

    def _request(self, case: Any) -> httpx.Request:
        wanted = case.as_transport_kwargs(base_url=BASE)
        wanted.pop("cookies", None)  # a made-up session is nobody, whatever else is asked
        if wanted.get("data") is not None and isinstance(wanted["data"], bytes | str):
            wanted["content"] = wanted.pop("data")
        return self.client.build_request(**{name: value for name, value in wanted.items() if value is not None})


@pytest.fixture
def sender(client: TestClient, super_admin: Person, edge_client: EdgeClient) -> Sender:
    return Sender(client, super_admin, edge_client)


@pytest.fixture
def known(super_admin: Person, edge_client: EdgeClient) -> dict[str, str]:
    """Path parameters that name a record."""
    world: World = make_world(super_admin, None)
    with transaction() as session:
        session.get_one(TrainingSample, world.sample).file_url = get_object_store().url("datasets/0.png")
        hook = Webhook(name="w", url="https://example.org", events=["job.failed"], created_by=super_admin.id)
        session.add(hook)
    ids = {
        "dataset_id": world.dataset,
        "sample_id": world.sample,
        "job_id": world.job,
        "version_id": world.version,
        "edge_server_id": world.edge,
        "deployment_id": world.deployment,
        "user_id": super_admin.id,
        "webhook_id": hook.id,
        "plan": "enterprise",
        "filename": "timestamp.json",
    }
    return {name: str(value) for name, value in ids.items()}


def play(strategy: st.SearchStrategy[Any], try_one: Callable[[Any], None]) -> None:
    """Run `try_one` on examples, the same ones each time."""
    phases = (Phase.generate, Phase.shrink)
    limits = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=phases,
        suppress_health_check=CHECKS,
    )
    limits(given(case=strategy)(lambda case: try_one(case)))()


def takes_anything(operation: Any) -> bool:
    """Whether there is anything in its requests that could be wrong; an Idempotency-Key alone is not enough."""
    return bool(operation.body or operation.query or operation.path_parameters)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_answers_are_as_described(name: str, sender: Sender, known: dict[str, str]) -> None:
    operation, word = described()[name], OPERATIONS[name]
    named = {parameter: known[parameter] for parameter in known if "{" + parameter + "}" in name}

    def valid(case: Any) -> None:
        case.validate_response(sender.send(case, word), checks=ALWAYS)

    def wrong(case: Any) -> None:
        case.validate_response(sender.send(case, word), checks=[*ALWAYS, checks.negative_data_rejection])

    complete = named and name.count("{") == len(named)
    play(operation.as_strategy(path_parameters=named if complete else None), valid)
    if takes_anything(operation):
        play(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), wrong)
