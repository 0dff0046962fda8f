"""kill -9 of any one process loses no committed data, and the product comes back by itself."""

import pytest

from tests.e2e.conftest import Running
from tests.support.waiting import wait_for

TABLES = ("training_datasets", "training_samples", "ai_model_versions", "model_deployments", "tuf_metadata", "users")
SERVERS = ("postgres", "valkey", "s3", "web", "worker-1", "courier", "media", "transfers", "reconciler")
EDGES = ("edge-rotterdam-pump-house", "edge-nagano-reservoir")


def counts(running: Running) -> dict[str, int]:
    return {table: running.sql(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def test_the_list_of_processes_is_complete(running: Running) -> None:
    assert sorted(running.names()) == sorted(SERVERS + EDGES)


@pytest.mark.parametrize("name", SERVERS + EDGES)
def test_a_killed_process_comes_back_with_its_data(running: Running, name: str) -> None:
    before = counts(running)
    loaded = {edge: running.edge(edge.removeprefix("edge-"))["loaded"][0]["bundle_sha256"] for edge in EDGES}

    old = running.kill(name)

    wait_for(lambda: running.came_back(name, old), 60, f"{name} to come back")
    wait_for(running.healthy, 60, "the product to be healthy")
    assert counts(running) == before
    for edge in EDGES:
        short = edge.removeprefix("edge-")
        wait_for(lambda short=short: running.edge(short)["health"] == "ok", 30, f"a heartbeat of {short}")
        assert running.edge(short)["loaded"][0]["bundle_sha256"] == loaded[edge]
    # The whole way still works: browser → API → store.
    dataset = running.ann.items("/training/datasets")[0]
    assert running.ann.get(f"/training/datasets/{dataset['id']}/samples", limit=1)["items"][0]["url"]


def test_a_job_survives_the_death_of_its_worker(running: Running) -> None:
    dataset = running.ann.items("/training/datasets")[0]
    body = {"name": "survivor", "dataset_id": dataset["id"], "hyperparameters": {"epochs": 30, "width": 16}}
    job = running.ann.post("/training/jobs", body)
    wait_for(lambda: running.ann.get(f"/training/jobs/{job['id']}")["current_epoch"] >= 3, 60, "the third epoch")

    old = running.kill("worker-1")
    wait_for(lambda: running.came_back("worker-1", old), 60, "the worker to come back")
    ended = running.wait_job(job["id"], 180)

    assert ended["status"] == "completed"
    log = running.ann.get(f"/training/jobs/{job['id']}/logs")["text"]
    assert "continues from its last checkpoint" in log
    steps = running.ann.get(f"/training/jobs/{job['id']}/metrics")["series"]["val_loss"]["step"]
    assert len(steps) == len(set(steps)) == 30


def test_a_running_job_can_be_cancelled(running: Running) -> None:
    dataset = running.ann.items("/training/datasets")[0]
    body = {"name": "unwanted", "dataset_id": dataset["id"], "hyperparameters": {"epochs": 500, "width": 16}}
    job = running.ann.post("/training/jobs", body)
    wait_for(lambda: running.ann.get(f"/training/jobs/{job['id']}")["status"] == "running", 60, "the job to run")

    running.ann.post(f"/training/jobs/{job['id']}/cancel")

    assert running.wait_job(job["id"], 30)["status"] == "cancelled"
