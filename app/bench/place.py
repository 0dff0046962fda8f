"""A product of its own to measure: web process, servers and one person, in an empty folder that is gone afterwards."""

import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from app.demo.client import ApiClient
from app.domain.permissions import Role, SystemActor
from app.infra.db import transaction
from app.running import Product, adopt
from app.schemas.people import ApiTokenCreate, UserCreate

# Limits are for strangers; a measurement asks as often as it can.
UNLIMITED = "1000000"
CLASSES = ("cat", "dog", "bird")


@dataclass(frozen=True)
class Place:
    """What a figure needs: the API as a super admin, and the processes whose memory it may look at."""

    base_url: str
    token: str
    product: Product

    def api(self) -> ApiClient:
        """A caller of its own; close it."""
        return ApiClient(self.base_url, self.token)

    def dataset(self, name: str, **fields: Any) -> str:
        """A new dataset with three classes; its id."""
        schema = {"task": "classification", "classes": [{"name": c} for c in CLASSES]}
        api = self.api()
        try:
            made = api.post(
                "/training/datasets", {"name": name, "ai_module": "bench", "label_schema": schema, **fields}
            )
        finally:
            api.close()
        return str(made["id"])

    def processes(self, name: str) -> list[psutil.Process]:
        """A child of the product (`web`, `s3`, `postgres`, …) and all that it started."""
        top = psutil.Process(self.product.stack.supervisor.pid(name))
        return [top, *top.children(recursive=True)]

    def memory_mib(self, name: str) -> float:
        """Resident memory of `name` now, in MiB."""
        return round(sum(int(p.memory_info().rss) for p in self.processes(name)) / 2**20, 1)

    def cpu_seconds(self, name: str) -> float:
        """Processor time that `name` has used until now."""
        return float(sum(sum(p.cpu_times()[:2]) for p in self.processes(name)))


@contextmanager
def place(workers: int = 0) -> Iterator[Place]:
    """Start it, and stop and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="trainyard-bench-"))
    chosen = {
        "TRAINYARD_DATA_DIR": str(folder / "data"),
        "TRAINYARD_PORT": str(_free_port()),
        "TRAINYARD_WORKERS": str(workers),
        "TRAINYARD_RATE_LIMIT_PER_MINUTE": UNLIMITED,
    }
    try:
        with Product(adopt(chosen)) as product:
            yield Place(product.settings.base_url, _person(), product)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _person() -> str:
    """A super admin; the API token."""
    from app.auth import actors, tokens
    from app.services import users

    password = SecretStr(secrets.token_urlsafe(20))
    request = UserCreate(email="bench@example.org", name="Bench", password=password, role=Role.SUPER_ADMIN)
    with transaction() as session:
        users.create(session, SystemActor("bench"), request)
        person = actors.person_by_email(session, request.email)
        return tokens.create_token(session, person, ApiTokenCreate(name="bench", scope="full", days=1)).token


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
