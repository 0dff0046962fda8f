"""The 1,797 handwritten digits that ship with scikit-learn (8×8, from the UCI Optical Recognition set, CC BY 4.0)."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
import numpy as np
from PIL import Image

from app.demo.client import ApiClient, DemoFailed

CLASSES = [str(digit) for digit in range(10)]
COLOURS = ["#e5484d", "#e54666", "#d6409f", "#8e4ec6", "#3e63dd", "#0090ff", "#12a594", "#30a46c", "#f76b15", "#ad7f58"]
BATCH = 300


@dataclass(frozen=True)
class Digit:
    """One image file and what it shows."""

    png: bytes
    sha256: str
    label: str
    index: int


def load() -> list[Digit]:
    """Every digit as an 8×8 grey PNG."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return [
        _digit(pixels, str(label), index)
        for index, (pixels, label) in enumerate(zip(data.images, data.target, strict=True))
    ]


def _digit(pixels: Any, label: str, index: int) -> Digit:
    file = BytesIO()
    # 0 … 16 in the data set, ink is bright.
    Image.fromarray(np.clip(pixels * 16, 0, 255).astype(np.uint8), mode="L").save(file, "PNG")
    data = file.getvalue()
    return Digit(data, hashlib.sha256(data).hexdigest(), label, index)


def upload(api: ApiClient, dataset_id: str, digits: list[Digit], *, labelled: bool = True) -> list[str]:
    """Put every file into the store by its signed URL and register it, with its label; returns the sample ids."""
    ids: list[str] = []
    with httpx.Client(timeout=30, limits=httpx.Limits(max_connections=8)) as http, ThreadPoolExecutor(8) as pool:

        def put(pair: tuple[Digit, dict[str, Any]]) -> None:
            # As every S3 client does: a server error is tried again.
            for last in (False, False, True):
                response = http.put(pair[1]["url"], content=pair[0].png)
                if response.is_success:
                    return
                if last or response.status_code < 500:
                    raise DemoFailed(f"the object store answered {response.status_code} to an upload")

        for start in range(0, len(digits), BATCH):
            part = digits[start : start + BATCH]
            slots = api.post(f"/training/datasets/{dataset_id}/uploads", {"count": len(part)})["slots"]
            list(pool.map(put, zip(part, slots, strict=True)))
            samples = [
                {
                    "upload_key": slot["upload_key"],
                    "sha256": digit.sha256,
                    **({"labels": {"class": digit.label}} if labelled else {}),
                    "metadata": {"source": "scikit-learn load_digits", "index": digit.index},
                }
                for digit, slot in zip(part, slots, strict=True)
            ]
            created = api.post(f"/training/datasets/{dataset_id}/samples", {"samples": samples})["items"]
            ids += [sample["id"] for sample in created]
    return ids
