"""The training set on the worker's disk: frozen list first, then the files, each checked against its digest.

Files are kept by digest and shared by all jobs; the oldest go when the cache passes its size.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.errors import Invalid
from app.infra.object_store import ObjectStore
from app.services.job_datasets import FrozenSample
from workers.training.spec import TrainingSample

CACHE_BYTES = 20 * 1024**3
PARALLEL = 8


def read_manifest(path: Path, sha256: str) -> list[FrozenSample]:
    """A list that was frozen before versions kept their samples; refuses one that is not what was frozen."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Invalid("The dataset version's list in the object store is not the frozen one; training refused.")
    return [FrozenSample(**json.loads(line)) for line in data.splitlines()]


def fetch(samples: Sequence[FrozenSample], store: ObjectStore, cache: Path) -> list[TrainingSample]:
    """Have every file in `cache`, and return where it is."""
    cache.mkdir(parents=True, exist_ok=True)
    _make_room(cache)
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="fetch") as pool:
        return list(pool.map(lambda sample: _fetch_one(sample, store, cache), samples))


def _fetch_one(sample: FrozenSample, store: ObjectStore, cache: Path) -> TrainingSample:
    path = cache / sample.sha256[:2] / f"{sample.sha256}{Path(sample.file_url).suffix}"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        data = store.get_bytes(store.key(sample.file_url))
        if hashlib.sha256(data).hexdigest() != sample.sha256:
            raise Invalid(f"The stored file of sample {sample.sample_id} was changed since it was frozen.")
        # Whole or not at all: another worker may be fetching the same file.
        draft = path.with_suffix(f".{os.getpid()}.{sample.sample_id[:8]}.part")
        draft.write_bytes(data)
        draft.replace(path)
    return TrainingSample(
        sample_id=sample.sample_id, path=path, sha256=sample.sha256, label=sample.label, split=sample.split
    )


def _make_room(cache: Path) -> None:
    files = sorted((p.stat().st_mtime, p.stat().st_size, p) for p in cache.rglob("*") if p.is_file())
    excess = sum(size for _, size, _ in files) - CACHE_BYTES
    for _, size, path in files:
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size
