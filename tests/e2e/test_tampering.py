"""A stolen store or database cannot deploy: the edge refuses, keeps serving the old model, and says why."""

from typing import Any

import pytest

from tests.e2e.conftest import Running
from tests.support.waiting import wait_for

EDGE = "nagano-reservoir"


@pytest.fixture
def serving(running: Running) -> dict[str, Any]:
    """What the edge serves before the attack."""
    loaded: dict[str, Any] = running.edge(EDGE)["loaded"][0]
    return loaded


def assert_still_serving(running: Running, serving: dict[str, Any]) -> None:
    status = running.edge_status(EDGE)
    assert serving["bundle_sha256"] in str(status)
    wait_for(lambda: running.edge(EDGE)["loaded"][0]["bundle_sha256"] == serving["bundle_sha256"], 15)


def test_a_byte_changed_in_the_store_is_refused(running: Running, serving: dict[str, Any]) -> None:
    version = running.train()
    running.publish(version)
    store = running.store()
    key = store.key(version["model_file_url"])
    bundle = bytearray(store.get_bytes(key))
    bundle[len(bundle) // 2] ^= 1
    store.put_bytes(key, bytes(bundle))

    deployment = running.deploy(version, EDGE)

    assert deployment["status"] == "failed"
    assert "sha256" in deployment["error_message"]
    assert f"Kept serving {serving['version']}" in deployment["error_message"]
    assert_still_serving(running, serving)


def test_a_row_that_says_approved_is_refused(running: Running, serving: dict[str, Any]) -> None:
    version = running.train()
    running.sql(
        "UPDATE ai_model_versions SET status = 'released', is_approved = true, is_released = true,"
        " approved_by = (SELECT min(id) FROM users), approved_at = now(), released_at = now() WHERE id = %s",
        version["id"],
    )

    deployment = running.deploy(version, EDGE)

    assert deployment["status"] == "failed"
    assert "no approver signed it" in deployment["error_message"]
    assert_still_serving(running, serving)


def test_an_approved_row_that_names_other_bytes_is_refused(running: Running, serving: dict[str, Any]) -> None:
    """The database of a properly released version is made to point at a model that nobody approved."""
    approved, smuggled = running.train(), running.train(width=16)
    running.publish(approved)
    running.sql(
        "UPDATE ai_model_versions SET model_file_url = %s, bundle_sha256 = 'f' || substr(bundle_sha256, 2)"
        " WHERE id = %s",
        smuggled["model_file_url"],
        approved["id"],
    )

    deployment = running.deploy(approved, EDGE)

    assert deployment["status"] == "failed"
    assert "Kept serving" in deployment["error_message"]
    assert_still_serving(running, serving)


def test_a_good_version_still_deploys_after_the_refusals(running: Running) -> None:
    version = running.train()
    running.publish(version)
    assert running.deploy(version, EDGE)["status"] == "completed"
    wait_for(lambda: running.edge(EDGE)["loaded"][0]["bundle_sha256"] == version["bundle_sha256"], 15)
