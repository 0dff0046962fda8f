"""The whole loop happened, on real parts."""

from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Running


def test_demo_walks_every_step(running: Running) -> None:
    assert running.report["finished"] is True
    assert all(step["ok"] for step in running.report["steps"])
    assert len(running.report["steps"]) >= 14


def test_edge_reads_held_out_digits_rightly(running: Running) -> None:
    measured = running.report["edge_accuracy"]
    assert measured["held_out"] >= 200
    assert measured["accuracy"] >= 0.97


def test_edges_report_the_released_digests(running: Running) -> None:
    first, second = running.report["first_version"], running.report["second_version"]
    assert first["bundle_sha256"] != second["bundle_sha256"]
    loaded = {name: edge["loaded_sha256"] for name, edge in running.report["edges"].items()}
    assert loaded == {
        "rotterdam-pump-house": first["bundle_sha256"],  # rolled back
        "nagano-reservoir": second["bundle_sha256"],
    }


def test_several_people_left_something_to_look_at(running: Running) -> None:
    dataset = f"/training/datasets/{running.report['second_look']['dataset_id']}"
    quality = running.ann.get(f"{dataset}/quality")
    assert len(quality["annotators"]) == 3
    assert 0 < quality["alpha"]["value"] < 1
    planted = running.ann.get(f"{dataset}/quality", against="planted")["annotators"]
    assert sum(one["accuracy"] is not None for one in planted) == 2
    assert running.ann.items(f"{dataset}/disagreements")
    assert running.ann.get(f"{dataset}/review-queue")["items"]
    before, after = running.report["second_look"]["versions"]
    assert running.ann.get(f"{dataset}/versions/{before}/diff/{after}")["counts"]["added"] > 0


def test_second_version_was_trained_from_the_first(running: Running) -> None:
    version = running.ann.get(f"/training/models/{running.report['second_version']['id']}")
    assert version["base_version_id"] == running.report["first_version"]["id"]
    assert version["version"] == "1.1.0"


@pytest.mark.parametrize("query", ["names=train_loss,val_loss", "names=train_loss&names=val_loss"])
def test_every_curve_that_is_asked_for_comes(running: Running, query: str) -> None:
    version = running.ann.get(f"/training/models/{running.report['first_version']['id']}")
    series = running.ann.get(f"/training/jobs/{version['training_job_id']}/metrics?{query}")["series"]
    assert set(series) == {"train_loss", "val_loss"}
    assert len(series["train_loss"]["step"]) > len(series["val_loss"]["step"]) > 1


def test_audit_log_names_the_person_who_approved(running: Running) -> None:
    events = running.ann.items("/training/audit")
    approvals = [event for event in events if event["action"] == "model_version.approve"]
    assert {event["actor"] for event in approvals} == {"ben@demo.example"}


def test_dashboard_is_served_on_the_same_port(running: Running) -> None:
    page = httpx.get(running.base_url, follow_redirects=True, timeout=20)
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_private_keys_never_reach_the_server(running: Running) -> None:
    """Neither the approver's key file nor the passphrase is anywhere in the server's data."""
    sealed = running.machine.approver_key_file.read_bytes()
    passphrase = running.machine.secrets["passphrase"].encode()
    server_side = [
        path
        for folder in ("postgres", "pg", "valkey", "redis", "s3", "logs", "keys")
        for path in (running.data_dir / folder).rglob("*")
        if path.is_file()
    ]
    assert len(server_side) > 50
    for path in server_side:
        content = Path(path).read_bytes()
        assert sealed not in content, path
        assert passphrase not in content, path
