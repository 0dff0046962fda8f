"""Small images, good and bad, and putting them into the store through signed URLs."""

import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
from PIL import Image
from starlette.testclient import TestClient


def png(number: int = 0, size: tuple[int, int] = (8, 8)) -> bytes:
    """A grey image; another `number` gives other bytes."""
    image = Image.new("L", size, number % 256)
    image.putpixel((0, 0), number // 256 % 256)
    image.putpixel((1, 0), number // 65_536 % 256)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few hundred bytes that claims to hold `width` × `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def upload(client: TestClient, dataset_id: UUID | str, files: Iterable[bytes]) -> list[str]:
    """PUT `files` to signed URLs of the real store; their upload keys."""
    contents = list(files)
    answer = client.post(f"/api/v1/training/datasets/{dataset_id}/uploads", json={"count": len(contents)})
    assert answer.status_code == 200, answer.text
    slots = answer.json()["slots"]
    with httpx.Client(trust_env=False) as direct:
        for slot, content in zip(slots, contents, strict=True):
            assert direct.put(slot["url"], content=content).status_code == 200
    return [slot["upload_key"] for slot in slots]


def add_samples(
    client: TestClient, dataset_id: UUID | str, files: Iterable[bytes], label: str | None = None
) -> list[dict[str, Any]]:
    """Upload and register `files`, labelled as `label` if given; the samples as the API shows them."""
    labels = {"labels": {"class": label}} if label else {}
    samples = [{"upload_key": key, **labels} for key in upload(client, dataset_id, files)]
    answer = client.post(f"/api/v1/training/datasets/{dataset_id}/samples", json={"samples": samples})
    assert answer.status_code == 201, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
