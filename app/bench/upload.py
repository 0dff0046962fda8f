"""How fast small images go in: presign, PUT into the store, register, as a browser does it, small files end to end."""

import http.client
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import accumulate
from urllib.parse import urlsplit

from PIL import Image

from app.bench.figures import Figure
from app.bench.place import Place
from app.demo.client import ApiClient
from app.errors import Unavailable

COUNT, BATCH = 10_000, 200
SIDE = 64
GOAL_PER_SECOND = 500.0
# Idle servers keep pools and caches that the first requests fill; what grows after that grows with the data.
WARM_UP = 1_000
GROWTH_MIB = 32.0
_PROCESSES = ("web", "s3", "postgres")


def measure_upload(where: Place) -> list[Figure]:
    """10,000 different pictures of 64 × 64 pixels (about 1.5 kB), and how much memory the servers have afterwards."""
    dataset = where.dataset("upload")
    files = list(_pictures(COUNT + WARM_UP))
    _send(where, dataset, files[:WARM_UP])
    before = _state(where)
    begun = time.perf_counter()
    _send(where, dataset, files[WARM_UP:])
    seconds = time.perf_counter() - begun
    after = _state(where)
    grown = {name: round(after[name][0] - before[name][0], 1) for name in _PROCESSES}
    details = {
        "images": COUNT,
        "bytes_per_image": sum(map(len, files)) // len(files),
        "seconds": round(seconds, 2),
        "memory_mib": {name: after[name][0] for name in _PROCESSES},
        "memory_grown_mib": grown,
        "cpu_ms_per_image": {
            name: round((after[name][1] - before[name][1]) / COUNT * 1000, 3) for name in (*_PROCESSES, "client")
        },
    }
    return [
        Figure("small images uploaded and registered", COUNT / seconds, "a second", GOAL_PER_SECOND, True, details),
        Figure("memory of the web process grown by 10,000 images", grown["web"], "MiB", GROWTH_MIB),
    ]


def _state(where: Place) -> dict[str, tuple[float, float]]:
    """Memory in MiB and processor seconds of each process."""
    found = {name: (where.memory_mib(name), where.cpu_seconds(name)) for name in _PROCESSES}
    return {**found, "client": (0.0, time.process_time())}


def _pictures(count: int) -> Iterator[bytes]:
    """JPEG pictures with a few soft shapes, no two alike."""
    shapes = random.Random(4)  # noqa: S311 the same pictures every time
    for _ in range(count):
        small = Image.frombytes("RGB", (6, 6), shapes.randbytes(108))
        buffer = BytesIO()
        small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
        yield buffer.getvalue()


def _send(where: Place, dataset: str, files: list[bytes]) -> None:
    """Batches one after the other; the next is put while the last one is registered, as the page does it."""
    api, registering = where.api(), where.api()
    try:
        with ThreadPoolExecutor(1) as registrar:
            putter = Putter()
            pending = None
            for start in range(0, len(files), BATCH):
                part = files[start : start + BATCH]
                (slot,) = api.post(f"/training/datasets/{dataset}/uploads", {"count": 1})["slots"]
                putter.put(slot["url"], b"".join(part))
                if pending is not None:
                    pending.result()
                pending = registrar.submit(_register, registering, dataset, slot["upload_key"], part)
            if pending is not None:
                pending.result()
    finally:
        api.close()
        registering.close()


def _register(api: ApiClient, dataset: str, key: str, files: list[bytes]) -> None:
    firsts = accumulate(map(len, files), initial=0)
    parts = [{"first": first, "size": len(file)} for first, file in zip(firsts, files, strict=False)]
    samples = [{"upload_key": key, "part": part} for part in parts]
    api.post(f"/training/datasets/{dataset}/samples", {"samples": samples})


class Putter:
    """Keeps its connection, as a browser does; a client that costs little measures the servers."""

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None

    def put(self, url: str, data: bytes) -> None:
        """PUT `data`, or raise `Unavailable`. As every S3 client does: a server error is tried again."""
        for last in (False, False, True):
            status = self._put(url, data)
            if status == 200:
                return
            if last or status < 500:
                raise Unavailable(f"The store answered {status} to an upload.")

    def _put(self, url: str, data: bytes) -> int:
        parts = urlsplit(url)
        connection = self._connection = self._connection or http.client.HTTPConnection(parts.netloc, timeout=60)
        connection.request("PUT", f"{parts.path}?{parts.query}", body=data)
        answer = connection.getresponse()
        answer.read()
        return int(answer.status)
