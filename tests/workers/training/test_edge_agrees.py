"""The bundle on the interpreter and runtime of an edge server, which shares no package with this one.

The interpreter is TRAINYARD_EDGE_PYTHON, by default the edge environment in .trainyard.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from workers.training.bundle import build_bundle
from workers.training.card import model_card
from workers.training.run import train

from .conftest import Finished
from .doubles import Recorder, draw_dataset, make_spec

ROOT = Path(__file__).resolve().parents[3]
EDGE_PYTHON = ROOT / os.environ.get("TRAINYARD_EDGE_PYTHON", ".trainyard/edge-venv/bin/python")

pytestmark = pytest.mark.skipif(
    not EDGE_PYTHON.exists(), reason=f"no edge interpreter at {EDGE_PYTHON}: set TRAINYARD_EDGE_PYTHON"
)

# Written from docs/bundle-format.md alone, on purpose: it shares no code with training or with the edge node.
CHECK = """
import io, json, sys, tarfile
import numpy as np, onnxruntime
from PIL import Image, ImageOps
files = {m.name: t.extractfile(m).read() for t in [tarfile.open(sys.argv[1])] for m in t}
contract, golden = json.loads(files["contract.json"])["input"], json.loads(files["golden/golden.json"])
session = onnxruntime.InferenceSession(files["model.onnx"], providers=["CPUExecutionProvider"])
size, worst = (contract["width"], contract["height"]), 0.0
for item in golden["items"]:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(files[item["file"]]))).convert(contract["mode"])
    image = image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8).reshape(1, contract["height"], contract["width"], contract["channels"])
    (answer,) = session.run(["probabilities"], {contract["name"]: pixels})[0]
    assert answer.argmax() == np.argmax(item["probabilities"]), item["file"]
    worst = max(worst, float(np.abs(answer - item["probabilities"]).max()))
assert worst <= golden["atol"], worst
print(len(golden["items"]), worst)
"""


def check_at_the_edge(bundle: Path) -> tuple[int, float]:
    done = subprocess.run(
        [str(EDGE_PYTHON), "-c", CHECK, str(bundle)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    count, worst = done.stdout.split()
    return int(count), float(worst)


def test_an_edge_server_reproduces_the_golden_set(finished: Finished, tmp_path: Path) -> None:
    out, card = tmp_path / "bundle.tar", model_card(finished.spec, finished.result)
    build_bundle(finished.result, ai_module="marks", version="1.0.0", model_version_id="id", out=out, card=card)
    count, worst = check_at_the_edge(out)
    assert count == 8
    assert worst < 1e-5


def test_colour_images_that_must_be_resized_agree_too(tmp_path: Path) -> None:
    samples = draw_dataset(tmp_path / "wide", size=(20, 34), channels=3)
    spec = make_spec(samples, tmp_path / "work", hyperparameters={"image_size": 16})
    result = train(spec, Recorder())
    build_bundle(result, ai_module="m", version="1.0.0", model_version_id="id", out=tmp_path / "b.tar", card={})
    assert check_at_the_edge(tmp_path / "b.tar")[1] < 1e-5


def test_the_check_would_notice_another_model(finished: Finished, tmp_path: Path) -> None:
    inputs = finished.result.bundle_inputs
    assert inputs is not None
    first = inputs.golden[0]
    moved = replace(first, probabilities=tuple(first.probabilities[1:] + first.probabilities[:1]))
    spoiled = replace(finished.result, bundle_inputs=replace(inputs, golden=(moved, *inputs.golden[1:])))
    build_bundle(spoiled, ai_module="m", version="1.0.0", model_version_id="id", out=tmp_path / "b.tar", card={})
    with pytest.raises(AssertionError, match=r"golden/000.png"):
        check_at_the_edge(tmp_path / "b.tar")
