"""Bundles made from nothing: a linear softmax model of 4 x 4 grey images, by `onnx.helper`, with its golden set."""

import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE, CLASSES = 4, 3
LABELS = ["low", "middle", "high"]
Members = dict[str, bytes]


def weights(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(SIDE * SIDE, CLASSES)).astype(np.float32), random.normal(size=CLASSES).astype(np.float32)


def expected(pixels: np.ndarray, seed: int) -> np.ndarray:
    """What the model of this seed answers for uint8 [4, 4], computed with numpy alone."""
    w, b = weights(seed)
    logits = pixels.reshape(-1).astype(np.float32) / 255.0 @ w + b
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@lru_cache
def graph(seed: int, padding: int = 0) -> bytes:
    """uint8 [N, 4, 4, 1] → float32 [N, 3]; `padding` bytes of unused weights make it large."""
    w, b = weights(seed)
    constants = [
        numpy_helper.from_array(w, "w"),
        numpy_helper.from_array(b, "b"),
        numpy_helper.from_array(np.array([255.0], np.float32), "scale"),
        numpy_helper.from_array(np.array([0, SIDE * SIDE], np.int64), "flat"),
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["cast", "scale"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "w", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    if padding:
        noise = np.random.default_rng(seed).integers(0, 255, padding, dtype=np.uint8)
        constants.append(numpy_helper.from_array(noise, "padding"))
        nodes.append(helper.make_node("Identity", ["padding"], ["unused"]))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE, SIDE, 1])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", CLASSES])
    made = helper.make_graph(nodes, "linear", [image], [output], constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def pixels_of(number: int) -> np.ndarray:
    return np.random.default_rng(1000 + number).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


CONTRACT: dict[str, Any] = {
    "task": "classification",
    "input": {
        "name": "image", "dtype": "uint8", "layout": "NHWC", "height": SIDE, "width": SIDE, "channels": 1, "mode": "L",
        "resize": "bilinear", "exif_transpose": True,
    },
    "output": {"name": "probabilities", "dtype": "float32", "classes": CLASSES},
}  # fmt: skip


def golden_set(seed: int, count: int = 8, off_by: float = 0.0) -> tuple[dict[str, Any], Members]:
    items, files = [], {}
    for number in range(count):
        name = f"golden/{number:03}.png"
        files[name] = png(pixels_of(number))
        answers = expected(pixels_of(number), seed)
        label = LABELS[int(answers.argmax())]
        items.append({"file": name, "label": label, "probabilities": [float(p) + off_by for p in answers]})
    return {"atol": 0.001, "items": items}, files


def members_of(seed: int, padding: int = 0, off_by: float = 0.0) -> Members:
    """Everything but the manifest."""
    golden, files = golden_set(seed, off_by=off_by)
    return {
        "model.onnx": graph(seed, padding),
        "labels.json": json.dumps(LABELS).encode(),
        "contract.json": json.dumps(CONTRACT).encode(),
        "model_card.json": b"{}",
        "golden/golden.json": json.dumps(golden).encode(),
        **files,
    }


def manifest_of(members: Members, ai_module: str, version: str, model_version_id: str) -> bytes:
    files = {name: {"sha256": hashlib.sha256(data).hexdigest(), "length": len(data)} for name, data in members.items()}
    about = {"format": 1, "ai_module": ai_module, "version": version, "model_version_id": model_version_id}
    return json.dumps({**about, "files": files}).encode()


def pack(members: Members, edit: Callable[[tarfile.TarInfo], None] | None = None) -> bytes:
    """A deterministic ustar archive; `edit` may spoil a member's header."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(members):
            member = tarfile.TarInfo(name)
            member.size = len(members[name])
            if edit is not None:
                edit(member)
            archive.addfile(member, io.BytesIO(members[name]))
    return buffer.getvalue()


@dataclass
class Version:
    """One model version: a bundle and what is signed about it."""

    version: str
    data: bytes
    seed: int
    ai_module: str = "meter_digits"
    model_version_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    custom: dict[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return f"{self.ai_module}/{self.version}/bundle.tar"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def make_version(
    version: str, seed: int = 1, *, ai_module: str = "meter_digits", padding: int = 0, off_by: float = 0.0,
    spoil: Callable[[Members], object] | None = None, custom: Mapping[str, Any] | None = None,
) -> Version:  # fmt: skip
    """A good version, unless told otherwise: `off_by` spoils the golden answers, `spoil` the members before packing,
    `custom` what is signed about it."""
    made = Version(version, b"", seed, ai_module)
    members = members_of(seed, padding, off_by)
    members["manifest.json"] = manifest_of(members, ai_module, version, made.model_version_id)
    if spoil is not None:
        spoil(members)
    made.data = pack(members)
    made.custom = {
        "ai_module": ai_module, "version": version, "model_version_id": made.model_version_id, "organization_id": None,
        "min_edge_version": "0.1.0", "supported_platforms": [], **(custom or {}),
    }  # fmt: skip
    return made
