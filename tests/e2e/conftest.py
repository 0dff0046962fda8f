"""One running demonstration for all tests of this folder; they change it and leave it working."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from app.demo import people
from app.demo.client import ApiClient
from app.demo.people import ANN, BEN, Machine
from app.infra.embedded import embedded_settings
from app.infra.object_store import S3ObjectStore
from app.settings import Settings
from app.supervisor.leftovers import Record, read_records
from app.web.serving import client_folder
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Running:
    """A demonstration that has walked the loop and runs on."""

    data_dir: Path
    base_url: str
    process: subprocess.Popen[bytes]

    def __post_init__(self) -> None:
        self.machine = Machine.open(self.data_dir / "demo" / "machine")
        self.ann = ApiClient(self.base_url).sign_in(ANN, self.machine.secrets[ANN], "tests")
        self.ben = ApiClient(self.base_url).sign_in(BEN, self.machine.secrets[BEN], "tests")
        self.report: dict[str, Any] = json.loads((self.data_dir / "demo-report.json").read_text())

    def record(self, name: str) -> Record:
        """The process of that name, as the supervisor noted it."""
        return next(record for record in read_records(self.data_dir) if record.name == name)

    def names(self) -> list[str]:
        """Every process of the product."""
        return [record.name for record in read_records(self.data_dir)]

    def kill(self, name: str) -> int:
        """kill -9; returns the pid that died."""
        pid = self.record(name).pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def came_back(self, name: str, old: int) -> bool:
        """True when another process has taken the place of `old`."""
        try:
            record = self.record(name)
        except StopIteration:
            return False
        return record.pid != old and record.leader() is not None

    def healthy(self) -> bool:
        """Database, queue and store answer."""
        try:
            return httpx.get(f"{self.base_url}/api/v1/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as someone who has stolen the database would."""
        url = embedded_settings(self.data_dir)["TRAINYARD_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def store(self) -> S3ObjectStore:
        """The object store, for someone who has stolen its keys."""
        names = embedded_settings(self.data_dir).items()
        return S3ObjectStore(Settings(**{name.removeprefix("TRAINYARD_").lower(): value for name, value in names}))

    def edge(self, name: str) -> dict[str, Any]:
        """The edge server as the cloud sees it."""
        return next(row for row in self.ann.items("/training/edge-servers") if row["name"] == name)

    def edge_status(self, name: str) -> dict[str, Any]:
        """What the edge server says of itself."""
        runtime = json.loads((self.data_dir / "demo" / "edges" / name / "runtime.json").read_text())
        url = f"http://{runtime['host']}:{runtime['port']}/v1/status"
        status: dict[str, Any] = httpx.get(url, timeout=10).raise_for_status().json()
        return status

    def train(self, **hyperparameters: Any) -> dict[str, Any]:
        """A new draft version of the digits, quickly."""
        dataset = self.ann.items("/training/datasets")[0]
        body = {"name": "quick", "dataset_id": dataset["id"], "hyperparameters": {"epochs": 1, **hyperparameters}}
        job = self.ann.post("/training/jobs", body)
        finished = self.wait_job(job["id"])
        assert finished["status"] == "completed", finished["error_message"]
        version: dict[str, Any] = self.ann.get(f"/training/models/{finished['output_model_version']}")
        return version

    def wait_job(self, job_id: str, seconds: float = 120) -> dict[str, Any]:
        """The job when it has ended."""
        ended = {"completed", "failed", "cancelled"}

        def look() -> Any:
            row = self.ann.get(f"/training/jobs/{job_id}")
            return row if row["status"] in ended else None

        row: dict[str, Any] = wait_for(look, seconds, f"job {job_id} to end")
        return row

    def publish(self, version: dict[str, Any]) -> None:
        """Test, approve with Ben's signature, release."""
        self.ann.put(f"/training/models/{version['id']}", {"status": "testing"})
        people.approve(self.ben, self.machine, version["id"])
        self.ben.post(f"/training/models/{version['id']}/release")

    def deploy(self, version: dict[str, Any], edge_name: str) -> dict[str, Any]:
        """Order `version` onto an edge and wait for what becomes of it."""
        edge_id = self.edge(edge_name)["id"]
        rollout = self.ann.post(f"/training/models/{version['id']}/deploy", {"edge_server_id": edge_id})
        wanted = rollout["deployments"][0]["id"]

        def settled() -> Any:
            rows = self.ann.items("/training/deployments", edge_server_id=edge_id)
            row = next(row for row in rows if row["id"] == wanted)
            return row if row["status"] in {"completed", "failed"} else None

        row: dict[str, Any] = wait_for(settled, 60, "the deployment to settle")
        return row


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`demo`, started as its user would, after its whole walk."""
    if not client_folder().is_dir():
        pytest.fail("the front end is not built; ./trainyard test builds it first")
    data_dir = tmp_path_factory.mktemp("demo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRAINYARD_")}
    env |= {name: os.environ[name] for name in ("TRAINYARD_EDGE_PYTHON",) if name in os.environ}
    env |= {
        "TRAINYARD_DATA_DIR": str(data_dir),
        "TRAINYARD_PORT": str(port),
        "TRAINYARD_HEARTBEAT_INTERVAL_SECONDS": "1",
        # These tests ask a hundred times a second whether something has happened.
        "TRAINYARD_RATE_LIMIT_PER_MINUTE": "1000000",
        "TRAINYARD_ANONYMOUS_LIMIT_PER_MINUTE": "1000000",
    }
    output = data_dir / "output.txt"
    argv = [sys.executable, "-m", "app.cli", "demo"]
    with output.open("wb") as screen:
        process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=screen, stderr=subprocess.STDOUT)

    def walked() -> bool:
        assert process.poll() is None, f"the demonstration ended:\n{output.read_text()}"
        return "Trainyard is running" in output.read_text()

    try:
        wait_for(walked, 280, "the demonstration to walk the loop")
        demonstration = Running(data_dir, f"http://127.0.0.1:{port}", process)
        yield demonstration
        demonstration.ann.close()
        demonstration.ben.close()
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        process.wait(60)
        left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        assert not left, f"still running after the demonstration was stopped: {left}"
