"""The demonstration's two edge servers: real processes of the separate distribution, in its own environment."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.demo.client import ApiClient, DemoFailed, until
from app.running import ROOT, Product


@dataclass(frozen=True)
class Place:
    """Where a demonstration edge stands."""

    name: str
    site: str
    latitude: float
    longitude: float


PLACES = (
    Place("rotterdam-pump-house", "Pump house, Rotterdam harbour", 51.9496, 4.1453),
    Place("nagano-reservoir", "Reservoir, Nagano", 36.6513, 138.1810),
)


class DemoEdge:
    """One edge server: its row in the cloud, its folder, its process."""

    def __init__(self, product: Product, api: ApiClient, place: Place) -> None:
        self.product, self.api, self.place = product, api, place
        self.folder = product.settings.data_dir.resolve() / "demo" / "edges" / place.name
        self.id = 0

    def start(self) -> None:
        """Create and enrol it if that did not happen yet, start its process, and wait for its first heartbeat."""
        token = self._token()
        self.folder.mkdir(parents=True, exist_ok=True)
        # Another node's port, or a port of last time, may be taken by now: any free one will do.
        (self.folder / "runtime.json").unlink(missing_ok=True)
        env = {"TRAINYARD_EDGE_RETRY_LIMIT_SECONDS": "5"}
        if token:
            env |= {"TRAINYARD_EDGE_CLOUD": self.product.settings.base_url, "TRAINYARD_EDGE_TOKEN": token}
        argv = [
            edge_python(),
            "-m",
            "edge_node",
            "run",
            "--data",
            self.folder,
            "--port",
            "0",
        ]
        supervisor = self.product.stack.supervisor
        supervisor.add(
            f"edge-{self.place.name}", argv, env=env, ready=self._answers, after=(), ready_seconds=60, cwd="/"
        )
        supervisor.start()
        until(f"a heartbeat of {self.place.name}", lambda: self.seen()["health"] == "ok", 30)

    def _token(self) -> str | None:
        rows = [edge for edge in self.api.items("/training/edge-servers") if edge["name"] == self.place.name]
        if not rows:
            created = self.api.post("/training/edge-servers", vars(self.place))
            self.id = created["edge_server"]["id"]
            return str(created["enrolment"]["token"])
        self.id = rows[0]["id"]
        if rows[0]["enrolled_at"] and (self.folder / "edge.json").exists():
            return None
        return str(self.api.post(f"/training/edge-servers/{self.id}/enrolment-token")["token"])

    def seen(self) -> dict[str, Any]:
        """The edge as the cloud sees it."""
        row: dict[str, Any] = self.api.get(f"/training/edge-servers/{self.id}")
        return row

    def loaded_digest(self, ai_module: str) -> str | None:
        """The digest that the edge itself reports to have in memory."""
        loaded = (model for model in self.seen()["loaded"] if model["ai_module"] == ai_module)
        return next((str(model["bundle_sha256"]) for model in loaded), None)

    @property
    def url(self) -> str:
        """Where it answers on this machine."""
        runtime = json.loads((self.folder / "runtime.json").read_text())
        return f"http://{runtime['host']}:{runtime['port']}"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except (OSError, ValueError, KeyError, httpx.HTTPError):
            return False

    def read(self, ai_module: str, images: list[bytes]) -> dict[str, Any]:
        """Ask it what `images` show."""
        files = [("image", (f"{number}.png", data, "image/png")) for number, data in enumerate(images)]
        response = httpx.post(f"{self.url}/v1/modules/{ai_module}/infer", files=files, timeout=60)
        if response.is_error:
            raise DemoFailed(f"{self.place.name} answered {response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer


def edge_python() -> str:
    """The interpreter of the edge distribution's own environment."""
    given = os.environ.get("TRAINYARD_EDGE_PYTHON")
    path = Path(given) if given else ROOT / ".trainyard" / "edge-venv" / "bin" / "python"
    if not path.exists():
        raise DemoFailed(f"There is no edge environment at {path}. ./trainyard demo makes it.")
    return str(path)
