"""The models on disk: `versions/<module>/<sha256>/bundle.tar` and `versions/<module>/current.json`.

Rules: a bundle enters `versions/` by one rename, after its signature, digest and golden set were checked;
`current.json` names the one that serves and the one before it, and is replaced atomically; only these two are kept.
A crash at any point leaves the old pair or the new one. What is on disk is verified again whenever it is loaded.
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from edge_node.errors import Refused
from edge_node.files import sync_folder, write_json_atomically

logger = logging.getLogger(__name__)
_SHA256 = re.compile(r"[0-9a-f]{64}")
BUNDLE = "bundle.tar"


class Identified(Protocol):
    """What the store has to know of a loaded model."""

    ai_module: str
    version: str
    bundle_sha256: str


Model = TypeVar("Model", bound=Identified)


@dataclass(frozen=True)
class Pointer:
    """Digests of the bundle that serves and of the one kept to go back to."""

    current: str | None
    previous: str | None


class Store:
    """The folder of one node. Written by the installer's thread only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = folder / "versions"
        self._incoming = folder / "incoming"
        self._versions.mkdir(parents=True, exist_ok=True)
        self._incoming.mkdir(parents=True, exist_ok=True)

    def modules(self) -> list[str]:
        return sorted(entry.name for entry in self._versions.iterdir() if entry.is_dir())

    def bundle_path(self, ai_module: str, sha256: str) -> Path:
        return self._versions / ai_module / sha256 / BUNDLE

    def incoming_path(self, ai_module: str, sha256: str) -> Path:
        """Where this bundle is downloaded to; partial downloads of the module's other bundles are removed."""
        folder = self._incoming / ai_module
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{sha256}.part"
        for leftover in folder.iterdir():
            if leftover.name != name:
                leftover.unlink()
        return folder / name

    def discard_incoming(self, ai_module: str) -> None:
        """Remove what a refused install left behind."""
        shutil.rmtree(self._incoming / ai_module, ignore_errors=True)

    def pointer(self, ai_module: str) -> Pointer:
        """What `current.json` says. Raises Refused when it is damaged."""
        path = self._versions / ai_module / "current.json"
        try:
            value = json.loads(path.read_bytes())
        except FileNotFoundError:
            return Pointer(None, None)
        except (OSError, ValueError) as error:
            raise Refused(f"{path} is damaged: {error}.") from error
        current, previous = (value.get("current"), value.get("previous")) if isinstance(value, dict) else (None, None)
        if not _is_digest(current) or not (previous is None or _is_digest(previous)):
            raise Refused(f"{path} is damaged: it names no bundle.")
        return Pointer(current, previous)

    def adopt(self, path: Path, ai_module: str, sha256: str, previous: str | None) -> None:
        """Make the proven bundle at `path` the current one of its module; `previous` stays, the rest goes."""
        home = self.bundle_path(ai_module, sha256)
        if path != home:
            home.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, home)
            sync_folder(home.parent)
        if previous == sha256:
            previous = self._other(ai_module, sha256)
        write_json_atomically(
            self._versions / ai_module / "current.json", {"format": 1, "current": sha256, "previous": previous}
        )
        self._remove_others(ai_module, {sha256, previous})

    def _other(self, ai_module: str, sha256: str) -> str | None:
        try:
            pointer = self.pointer(ai_module)
        except Refused:
            return None
        return next((digest for digest in (pointer.previous, pointer.current) if digest not in (None, sha256)), None)

    def _remove_others(self, ai_module: str, keep: set[str | None]) -> None:
        for entry in (self._versions / ai_module).iterdir():
            if entry.is_dir() and entry.name not in keep:
                shutil.rmtree(entry, ignore_errors=True)

    def digests(self, ai_module: str) -> list[str]:
        """Every bundle of the module on disk, the newest first: where to look when `current.json` is damaged."""
        found = [entry for entry in (self._versions / ai_module).iterdir() if _is_digest(entry.name)]
        return [entry.name for entry in sorted(found, key=lambda entry: entry.stat().st_mtime, reverse=True)]


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def load_from_disk(store: Store, ai_module: str, load: Callable[[Path], Model]) -> tuple[Model | None, str | None]:
    """The module's model to serve at start-up, and a sentence if it is not the one that should serve.

    Tries the current bundle, then the previous one, and, if `current.json` itself is damaged, whatever is intact.
    """
    problems: list[str] = []
    try:
        pointer = store.pointer(ai_module)
        candidates = [digest for digest in (pointer.current, pointer.previous) if digest is not None]
    except Refused as error:
        problems.append(str(error))
        candidates = store.digests(ai_module)
    for digest in candidates:
        try:
            model = _load_exactly(store.bundle_path(ai_module, digest), digest, ai_module, load)
        except Refused as error:
            problems.append(str(error))
            continue
        serving = f"Serving {model.ai_module} {model.version} instead." if problems else None
        return model, " ".join([*problems, serving]) if serving else None
    return None, " ".join([*problems, f"Nothing is served for {ai_module}: deploy it again."]) if problems else None


def _load_exactly(path: Path, digest: str, ai_module: str, load: Callable[[Path], Model]) -> Model:
    try:
        model = load(path)
    except OSError as error:
        raise Refused(f"The installed bundle {path} cannot be read: {error.strerror}.") from error
    except Refused as error:
        raise Refused(f"The installed bundle {path} is damaged: {error}") from error
    if (model.bundle_sha256, model.ai_module) != (digest, ai_module):
        raise Refused(
            f"The installed bundle {path} is damaged: its sha256 is {model.bundle_sha256}, installed was {digest}."
        )
    return model
