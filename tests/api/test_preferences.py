"""What a person set for themselves: theirs alone, small, and few."""

from collections.abc import Callable

from starlette.testclient import TestClient

from app.services.preferences import MOST
from tests.support.people import Person

KEYS = "/api/v1/me/preferences/label_keys"


def test_preference_is_kept_for_its_person_alone(
    admin: TestClient, as_person: Callable[..., TestClient], second_admin: Person, member: Person
) -> None:
    assert admin.get(KEYS).json() == {"name": "label_keys", "value": {}, "updated_at": None}
    value = {"keys": {"box.delete": ["x", "Delete"]}}
    assert admin.put(KEYS, json={"value": value}).json()["value"] == value
    assert admin.put(KEYS, json={"value": {"keys": {}}}).status_code == 200
    assert admin.get(KEYS).json()["value"] == {"keys": {}}
    assert as_person(second_admin).get(KEYS).json()["value"] == {}
    assert as_person(member).put(KEYS, json={"value": value}).status_code == 200


def test_preference_is_small_and_there_are_few(admin: TestClient) -> None:
    assert admin.put(KEYS, json={"value": {"a": "x" * 8_200}}).status_code == 422
    assert admin.put(KEYS, json={"value": {"a": "\0"}}).status_code == 422
    assert admin.put(KEYS, json={"value": [1]}).status_code == 422
    assert admin.put("/api/v1/me/preferences/No-Name", json={"value": {}}).status_code == 422
    for number in range(MOST):
        assert admin.put(f"/api/v1/me/preferences/p{number}", json={"value": {}}).status_code == 200
    assert admin.put(KEYS, json={"value": {}}).status_code == 409
    assert admin.put("/api/v1/me/preferences/p0", json={"value": {"a": 1}}).status_code == 200


def test_read_only_token_changes_no_preference(as_person: Callable[..., TestClient], super_admin: Person) -> None:
    assert as_person(super_admin, "read").put(KEYS, json={"value": {}}).status_code == 403
