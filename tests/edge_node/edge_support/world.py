"""What most tests start from: a cloud, a node, and a module of the test's own that serves 1.0.0."""

from pathlib import Path
from typing import Any, NamedTuple

from .bundles import Version, make_version, pixels_of, png
from .cloud import FakeCloud
from .node import Node


class Serving(NamedTuple):
    cloud: FakeCloud
    node: Node
    first: Version

    def next(self, number: str = "1.1.0", seed: int = 2, padding: int = 0) -> Version:
        """Another version of the same module, not released yet."""
        return make_version(number, seed, ai_module=self.first.ai_module, padding=padding)

    def infer(self, number: int = 1) -> dict[str, Any]:
        return self.node.infer(png(pixels_of(number)), self.first.ai_module)

    @property
    def folder(self) -> Path:
        return self.node.folder / "versions" / self.first.ai_module

    @property
    def loaded(self) -> str | None:
        """The version in memory."""
        return self.node.version(self.first.ai_module)


def install(cloud: FakeCloud, version: Version) -> Version:
    cloud.release(version)
    deployment = cloud.settle(cloud.deploy(version))
    assert deployment.status == "completed", deployment.error_message
    return version
