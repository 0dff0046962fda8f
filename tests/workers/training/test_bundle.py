"""The bundle file, held against docs/bundle-format.md."""

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from app.errors import Invalid
from workers.training.bundle import build_bundle
from workers.training.card import model_card
from workers.training.spec import BundleInfo, TrainingResult

from .conftest import Finished

NAMES = {"ai_module": "marks", "version": "1.0.0", "model_version_id": "0198-version"}


def build(finished: Finished, out: Path) -> BundleInfo:
    return build_bundle(finished.result, **NAMES, out=out, card=model_card(finished.spec, finished.result))


@pytest.fixture(scope="module")
def bundle(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> BundleInfo:
    return build(finished, tmp_path_factory.mktemp("bundle") / "bundle.tar")


@pytest.fixture(scope="module")
def files(bundle: BundleInfo) -> dict[str, bytes]:
    with tarfile.open(bundle.path, "r:") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_info_describes_the_file(bundle: BundleInfo) -> None:
    data = bundle.path.read_bytes()
    assert (bundle.sha256, bundle.length) == (hashlib.sha256(data).hexdigest(), len(data))


def test_members_are_sorted_regular_files_without_time_or_owner(bundle: BundleInfo) -> None:
    with tarfile.open(bundle.path, "r:") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert len(members) <= 64
    for member in members:
        assert member.isreg()
        facts = (member.mtime, member.uid, member.gid, member.mode, member.uname, member.gname, member.pax_headers)
        assert facts == (0, 0, 0, 0o644, "", "", {})


def test_manifest_lists_every_other_member(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    assert {name: manifest[name] for name in NAMES} == NAMES
    assert manifest["format"] == 1
    assert manifest["files"] == {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "length": len(data)}
        for name, data in files.items()
        if name != "manifest.json"
    }


def test_members_are_those_of_the_format(files: dict[str, bytes]) -> None:
    fixed = {"manifest.json", "model.onnx", "labels.json", "contract.json", "model_card.json", "golden/golden.json"}
    assert fixed <= set(files)
    assert all(re.fullmatch(r"golden/\d{3}\.png", name) for name in set(files) - fixed)


def test_contract_and_labels_are_those_of_the_run(files: dict[str, bytes], finished: Finished) -> None:
    assert json.loads(files["labels.json"]) == list(finished.spec.labels)
    assert json.loads(files["contract.json"]) == {
        "task": "classification",
        "input": {
            "name": "image", "dtype": "uint8", "layout": "NHWC", "height": 12, "width": 12, "channels": 1, "mode": "L",
            "resize": "bilinear", "exif_transpose": True,
        },
        "output": {"name": "probabilities", "dtype": "float32", "classes": 3},
    }  # fmt: skip


def test_golden_items_are_untouched_held_out_files(files: dict[str, bytes], finished: Finished) -> None:
    places = [json.loads(line) for line in Path(finished.result.split["split_path"]).read_text().splitlines()]
    held_out = {place["sample_id"] for place in places if place["split"] == "test"}
    labels = {sample.sha256: sample.label for sample in finished.spec.samples if sample.sample_id in held_out}
    golden = json.loads(files["golden/golden.json"])
    assert golden["atol"] == 0.001
    assert len(golden["items"]) == 8
    for item in golden["items"]:
        assert labels[hashlib.sha256(files[item["file"]]).hexdigest()] == item["label"]
        assert sum(item["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert Image.open(io.BytesIO(files[item["file"]])).size == (12, 12)
    assert {item["label"] for item in golden["items"]} == set(finished.spec.labels)


def test_the_same_inputs_give_the_same_bytes(bundle: BundleInfo, finished: Finished, tmp_path: Path) -> None:
    assert build(finished, tmp_path / "again.tar").sha256 == bundle.sha256


def test_card_has_no_local_path(files: dict[str, bytes], finished: Finished) -> None:
    card = json.loads(files["model_card.json"])
    assert card["evaluation"]["accuracy"] == finished.result.metrics["accuracy"]
    assert card["data"]["split"]["counts"] == finished.result.split["counts"]
    assert str(finished.spec.work_dir).encode() not in bundle_text(files)


def bundle_text(files: dict[str, bytes]) -> bytes:
    return b"".join(data for name, data in files.items() if name.endswith(".json"))


def test_a_cancelled_run_cannot_be_bundled(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="A cancelled run has no model"):
        build_bundle(TrainingResult(cancelled=True), **NAMES, out=tmp_path / "bundle.tar", card={})
    assert not (tmp_path / "bundle.tar").exists()


def test_bundling_needs_no_torch() -> None:
    code = (
        "import sys, workers.training.spec, workers.training.bundle, workers.training.card\n"
        "sys.exit(bool({'torch', 'lightning', 'onnx', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
