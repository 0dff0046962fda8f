"""Fixtures of the edge node's tests: which interpreter runs the real node, a cloud, a node."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from edge_support.bundles import Version, make_version
from edge_support.cloud import FakeCloud
from edge_support.node import PROJECT, Node
from edge_support.world import Serving, install


@pytest.fixture(scope="session")
def edge_python() -> Path:
    """The interpreter with the edge's dependencies: TRAINYARD_EDGE_PYTHON, else the one `./trainyard` makes."""
    path = Path(os.environ.get("TRAINYARD_EDGE_PYTHON") or PROJECT / ".trainyard/edge-venv/bin/python")
    if not path.exists():
        message = (
            f"no interpreter for the edge node at {path}; './trainyard test' makes it, or set TRAINYARD_EDGE_PYTHON"
        )
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return path


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    made = FakeCloud()
    yield made
    made.stop()


@pytest.fixture
def node(edge_python: Path, tmp_path: Path) -> Iterator[Node]:
    """A node that is not enrolled yet."""
    made = Node(edge_python, tmp_path / "edge")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def world(edge_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeCloud, Node]]:
    """One cloud and one enrolled node for all tests of a file: starting an interpreter costs a second."""
    cloud = FakeCloud()
    node = Node(edge_python, tmp_path_factory.mktemp("edge"))
    node.start(TRAINYARD_EDGE_CLOUD=cloud.url, TRAINYARD_EDGE_TOKEN=cloud.token)
    yield cloud, node
    node.kill()
    cloud.stop()


@pytest.fixture
def serving(world: tuple[FakeCloud, Node], request: pytest.FixtureRequest) -> Iterator[Serving]:
    """A running node that serves 1.0.0 of a module of this test's own."""
    cloud, node = world
    cloud.calm_down()
    if not node.is_running:
        node.start()
    module = re.sub(r"\W+", "_", request.node.name.removeprefix("test_"))[:80]
    yield Serving(cloud, node, install(cloud, make_version("1.0.0", seed=1, ai_module=module)))
    cloud.calm_down()


@pytest.fixture(scope="module")
def first(world: tuple[FakeCloud, Node]) -> Version:
    """meter_digits 1.0.0, serving, for tests that must not change it."""
    return install(world[0], make_version("1.0.0", seed=1))
