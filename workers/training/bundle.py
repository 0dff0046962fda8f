"""One model version as one file (docs/bundle-format.md): equal inputs give equal bytes on any machine."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import Invalid
from workers.training.spec import BundleInfo, BundleInputs, TrainingResult

FORMAT = 1


def build_bundle(
    result: TrainingResult, *, ai_module: str, version: str, model_version_id: str, out: Path, card: Mapping[str, Any]
) -> BundleInfo:
    """Write the bundle of a finished run to `out` (a file path; its folder must exist)."""
    if result.bundle_inputs is None:
        raise Invalid("A cancelled run has no model to bundle; start the job again.")
    members = _members(result.bundle_inputs, card)
    members["manifest.json"] = canonical_json(
        {
            "format": FORMAT,
            "ai_module": ai_module,
            "version": version,
            "model_version_id": model_version_id,
            "files": {
                name: {"sha256": hashlib.sha256(data).hexdigest(), "length": len(data)}
                for name, data in members.items()
            },
        }
    )
    data = pack(members)
    out.write_bytes(data)
    return BundleInfo(out, hashlib.sha256(data).hexdigest(), len(data))


def pack(members: Mapping[str, bytes]) -> bytes:
    """An uncompressed ustar archive without times, owners or an order of its own."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(members):
            member = tarfile.TarInfo(name)
            member.size = len(members[name])
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(members[name]))
    return buffer.getvalue()


def canonical_json(value: Any) -> bytes:
    """Sorted keys, UTF-8, one line end: the same value is the same bytes. NaN is refused."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _members(inputs: BundleInputs, card: Mapping[str, Any]) -> dict[str, bytes]:
    members = {
        "model.onnx": inputs.onnx_path.read_bytes(),
        "labels.json": canonical_json(list(inputs.labels)),
        "contract.json": canonical_json(inputs.contract),
        "model_card.json": canonical_json(dict(card)),
    }
    items = []
    for number, item in enumerate(inputs.golden):
        name = f"golden/{number:03d}.{item.extension}"
        members[name] = item.path.read_bytes()
        items.append({"file": name, "label": item.label, "probabilities": list(item.probabilities)})
    members["golden/golden.json"] = canonical_json({"atol": inputs.golden_atol, "items": items})
    return members
