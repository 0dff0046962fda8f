"""Taking one assignment from 'the cloud would like this version' to 'it serves', or refusing it.

The steps: downloading → signed metadata, target, checks, bytes, sha256 → installing → manifest, session, golden set,
swap → completed. Every step can be killed and taken up again; nothing is in `versions/` that was not proven; the old
model serves until the new one is in memory. A report never goes back: a deployment that the cloud already has at
`installing` is not reported as `downloading` again.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from edge_node.cloud import Assignment, Cloud
from edge_node.download import Downloader, sha256_of
from edge_node.errors import CloudRefused, CloudUnreachable, Refused
from edge_node.files import refusing_when_disk_is_full
from edge_node.model import LoadedModel, Models
from edge_node.status import NodeStatus
from edge_node.store import Store
from edge_node.trust import Target, Trust

logger = logging.getLogger(__name__)
DOWNLOADED_PERCENT = 80
REPORT_EVERY_SECONDS = 1.0

Load = Callable[[Path], LoadedModel]


class Installer:
    """Installs assignments one after the other. Used by one thread."""

    def __init__(
        self, cloud: Cloud, trust: Trust, downloader: Downloader, store: Store, models: Models, status: NodeStatus,
        load: Load,
    ) -> None:  # fmt: skip
        self._cloud = cloud
        self._trust = trust
        self._downloader = downloader
        self._store = store
        self._models = models
        self._status = status
        self._load = load

    def install(self, assignment: Assignment) -> None:
        """Bring `assignment` into service; the caller reports the end.

        Raises Refused (with what goes on serving), Retryable, CloudUnreachable, Superseded, Stopping.
        """
        try:
            progress = _Progress(self._cloud, self._status, assignment)
            progress.report("downloading", 0)
            with refusing_when_disk_is_full(self._store.folder):
                target = self._trust.find(assignment)
                path = self._obtain(assignment, target, progress)
                progress.report("installing", DOWNLOADED_PERCENT)
                model = self._prove(path, target)
                self._swap(path, model)
        except Refused as error:
            self._store.discard_incoming(assignment.ai_module)
            raise Refused(f"{error} {self.still_serving(assignment.ai_module)}") from error
        finally:
            self._status.installing(None)
        logger.info("%s is serving (%s)", assignment.label, model.bundle_sha256[:12])

    def still_serving(self, ai_module: str) -> str:
        model = self._models.get(ai_module)
        return f"Kept serving {model.version}." if model else f"Nothing is served for {ai_module} yet."

    def _obtain(self, assignment: Assignment, target: Target, progress: "_Progress") -> Path:
        """The verified bundle on disk: the one kept from before, or a download."""
        kept = self._store.bundle_path(target.ai_module, target.sha256)
        if sha256_of(kept) == target.sha256:
            logger.info("%s is on this machine already", assignment.label)
            return kept
        path = self._store.incoming_path(target.ai_module, target.sha256)
        url = self._cloud.download_url(assignment.deployment_id)
        self._downloader.fetch(
            url, target, path, lambda percent: progress.at_most_every_second(percent * DOWNLOADED_PERCENT // 100)
        )
        return path

    def _prove(self, path: Path, target: Target) -> LoadedModel:
        model = self._load(path)
        if model.bundle_sha256 != target.sha256:
            raise Refused(
                f"The bundle on this machine's disk changed after its download: its sha256 is {model.bundle_sha256}, "
                f"the signed metadata says {target.sha256}."
            )
        found = (model.ai_module, model.version, model.model_version_id)
        signed = (target.ai_module, target.version, target.model_version_id)
        if found != signed:
            raise Refused(f"The bundle's manifest says {found}, the signed metadata says {signed}.")
        return model

    def _swap(self, path: Path, model: LoadedModel) -> None:
        serving = self._models.get(model.ai_module)
        previous = serving.bundle_sha256 if serving else None
        self._store.adopt(path, model.ai_module, model.bundle_sha256, previous)
        self._models.put(model)


class _Progress:
    """Tells the cloud and the status page how far an assignment is; never goes back in status."""

    def __init__(self, cloud: Cloud, status: NodeStatus, assignment: Assignment) -> None:
        self._cloud = cloud
        self._status = status
        self._assignment = assignment
        self._stage = "installing" if assignment.status == "installing" else "downloading"
        self._reported_at = 0.0

    def report(self, stage: str, percent: int) -> None:
        self._stage = "installing" if "installing" in (self._stage, stage) else stage
        self._status.installing(
            {
                "deployment_id": self._assignment.deployment_id,
                "ai_module": self._assignment.ai_module,
                "version": self._assignment.version,
                "status": self._stage,
                "progress_percent": percent,
            }
        )
        self._reported_at = time.monotonic()
        self._cloud.report(self._assignment.deployment_id, self._stage, percent)

    def at_most_every_second(self, percent: int) -> None:
        """Report in passing: a cloud that is away does not stop a download, one that no longer wants it does."""
        if time.monotonic() - self._reported_at < REPORT_EVERY_SECONDS:
            return
        try:
            self.report(self._stage, percent)
        except CloudRefused as error:
            logger.warning("a progress report was refused: %s", error)
        except CloudUnreachable as error:
            logger.debug("a progress report was not delivered: %s", error)
