"""The API's description: complete, the same as the committed copy, and full of examples that are valid."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from app.api.app import create_api
from app.api.examples import EXAMPLES
from app.api.guard import GuardedRoute, endpoints, guarded_router, refuse_unguarded
from app.api.marks import EDGE, PUBLIC, mark_of
from app.api.openapi import STATUSES

ROOT = Path(__file__).resolve().parents[2]
API = create_api()
DOCUMENT: dict[str, Any] = API.openapi()
OPERATIONS = [
    pytest.param(operation, id=f"{method.upper()} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def bodies() -> dict[str, type[BaseModel]]:
    """Every model that a request's body is read as, by name."""
    found = {}
    for route in endpoints(API.routes):
        for field in route.dependant.body_params:
            kind = field.field_info.annotation
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found[kind.__name__] = kind
    return found


def test_committed_copy_is_the_contract() -> None:
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert committed == json.loads(json.dumps(DOCUMENT)), (
        "The contract has changed. If that is meant, read the difference: ./trainyard openapi --out docs/openapi.json"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_says_what_it_does_who_may_and_how_it_fails(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert operation["tags"]
    assert "security" in operation
    assert {"422", "429", "503"} <= set(operation["responses"])
    if operation["security"]:
        assert {"401", "403"} <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            assert answer == {"$ref": f"#/components/responses/{status}"} or status == "503"


def test_operations_have_names_of_their_own() -> None:
    names = [operation.values[0]["operationId"] for operation in OPERATIONS]  # type: ignore[index]
    assert len(set(names)) == len(names)


def test_every_failure_is_a_problem_document() -> None:
    for status in STATUSES:
        content = DOCUMENT["components"]["responses"][str(status)]["content"]
        assert set(content) == {"application/problem+json"}


def test_every_body_has_an_example() -> None:
    assert set(EXAMPLES) == set(bodies())


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_example_is_valid(name: str) -> None:
    made = bodies()[name].model_validate_json(json.dumps(EXAMPLES[name]))
    assert made.model_fields_set
    assert DOCUMENT["components"]["schemas"][name]["examples"] == [EXAMPLES[name]]


def test_every_creating_endpoint_honours_the_idempotency_key() -> None:
    """An endpoint that answers 201 runs its service by `create`, which claims the key in the change's transaction."""
    forgetful = []
    for path in sorted((ROOT / "app/api/v1").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and "HTTP_201_CREATED" in "".join(
                map(ast.unparse, node.decorator_list)
            ):
                calls = {ast.unparse(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
                if not calls & {"run.create", "run.create_secret"}:
                    forgetful.append(f"{path.name}:{node.name}")
    assert forgetful == []


def test_every_route_is_guarded_and_marked() -> None:
    routes = list(endpoints(API.routes))
    assert len(routes) > 70
    assert all(isinstance(route, GuardedRoute) and mark_of(route.endpoint) for route in routes)
    assert {route.path for route in routes if mark_of(route.endpoint) is EDGE} == {
        path for path in DOCUMENT["paths"] if path.startswith("/edge/") and path != "/edge/enrol"
    }


def test_public_routes_are_these() -> None:
    """Whoever opens another one says so here."""
    assert {route.path for route in endpoints(API.routes) if mark_of(route.endpoint) is PUBLIC} == {
        "/auth/sign-in",
        "/auth/sign-out",
        "/auth/methods",
        "/auth/oidc/start",
        "/auth/oidc/callback",
        "/edge/enrol",
        "/healthz",
        "/readyz",
    }


def test_server_does_not_start_with_a_route_that_nobody_marked() -> None:
    api, router = FastAPI(), guarded_router()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    api.include_router(router)
    with pytest.raises(RuntimeError, match="/forgotten is not guarded"):
        refuse_unguarded(api)
