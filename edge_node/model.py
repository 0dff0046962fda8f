"""A model in memory: made from a verified bundle, and proven before it is used.

The only module that touches onnxruntime. `load_model` is the one way in, at install and at every start alike: read
and hash the bytes, check the contract, build the session, prove the golden set on this very machine.
"""

import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # type: ignore[import-not-found,import-untyped,unused-ignore]

from edge_node.bundle import Bundle, read_bundle
from edge_node.errors import BadImage, Refused
from edge_node.images import Contract, decode, parse_contract

MIN_GOLDEN, MAX_GOLDEN = 8, 32
MAX_TOLERANCE = 0.05
_ORT_ERRORS: tuple[type[Exception], ...] = (
    ort_errors.Fail, ort_errors.InvalidArgument, ort_errors.InvalidGraph, ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile, ort_errors.NotImplemented, ort_errors.RuntimeException, ort_errors.NoModel,
    ort_errors.NotFound, ort_errors.EPFail, ort_errors.EngineError, ValueError, RuntimeError,
)  # fmt: skip
_RUN_ERRORS: tuple[type[Exception], ...] = (BadImage, *_ORT_ERRORS)


@dataclass(frozen=True)
class Prediction:
    label: str
    confidence: float
    probabilities: list[float]


class LoadedModel:
    """One version in memory. Safe to ask from several threads."""

    def __init__(self, bundle: Bundle, threads: int, max_pixels: int) -> None:
        self.ai_module = bundle.ai_module
        self.version = bundle.version
        self.model_version_id = bundle.model_version_id
        self.bundle_sha256 = bundle.sha256
        self.loaded_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.contract: Contract = parse_contract(bundle.json("contract.json"))
        self.labels = _parse_labels(bundle.json("labels.json"), self.contract.classes)
        self._max_pixels = max_pixels
        self._session = _make_session(bundle.files["model.onnx"], threads)
        _check_graph(self._session, self.contract)

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """One prediction per image file. Raises BadImage, naming the image by its place when there are several."""
        rows = self.probabilities(images)
        return [
            Prediction(self.labels[int(row.argmax())], float(row.max()), [float(value) for value in row])
            for row in rows
        ]

    def probabilities(self, images: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """float32 [len(images), classes]."""
        batch = np.stack([self._decode(data, place, len(images)) for place, data in enumerate(images)])
        output = self._session.run([self.contract.output_name], {self.contract.input_name: batch})[0]
        return np.asarray(output, dtype=np.float32)

    def _decode(self, data: bytes, place: int, count: int) -> npt.NDArray[np.uint8]:
        try:
            return decode(data, self.contract, self._max_pixels)
        except BadImage as error:
            if count == 1:
                raise
            raise BadImage(f"Image {place + 1} of {count}: {error}") from error

    def describe(self) -> dict[str, str]:
        """What the heartbeat says of this model: what is really in memory."""
        return {
            "ai_module": self.ai_module,
            "version": self.version,
            "model_version_id": self.model_version_id,
            "bundle_sha256": self.bundle_sha256,
            "loaded_at": self.loaded_at,
        }


def load_model(path: Path, threads: int, max_pixels: int) -> LoadedModel:
    """Read, verify, build and prove the bundle at `path`. Raises Refused with the reason."""
    bundle = read_bundle(path)
    model = LoadedModel(bundle, threads, max_pixels)
    prove(model, bundle)
    return model


def prove(model: LoadedModel, bundle: Bundle) -> None:
    """Run the golden set through the whole pipeline: every probability within `atol`, every arg-max as in training."""
    golden = bundle.json("golden/golden.json")
    atol, items = _parse_golden(golden)
    used: set[str] = set()
    for item in items:
        name, wanted = _parse_item(item, bundle, len(model.labels))
        used.add(name)
        try:
            got = model.probabilities([bundle.files[name]])[0]
        except _RUN_ERRORS as error:
            raise Refused(f"Golden item {name} cannot be run on this machine: {error}") from error
        _compare(name, got, wanted, atol, model.labels)
    if len(used) != len(items):
        raise Refused("golden.json names the same file twice.")


def _compare(
    name: str, got: npt.NDArray[np.float32], wanted: npt.NDArray[np.float64], atol: float, labels: Sequence[str]
) -> None:
    difference = np.abs(got - wanted)
    here, there = int(got.argmax()), int(wanted.argmax())
    if here == there and bool((difference <= atol).all()):
        return
    raise Refused(
        f"Golden item {name}: this machine answers {labels[here]} ({got[here]:.3f}), training answered {labels[there]} "
        f"({wanted[there]:.3f}); the largest difference is {difference.max():.2g}, {atol:g} is allowed."
    )


def _parse_golden(golden: Any) -> tuple[float, list[Any]]:
    source = golden if isinstance(golden, dict) else {}
    atol, items = source.get("atol"), source.get("items")
    if not isinstance(atol, int | float) or not 0 < atol <= MAX_TOLERANCE:
        raise Refused(f"The golden set's tolerance is {atol!r}; it must be above 0 and at most {MAX_TOLERANCE}.")
    if not isinstance(items, list) or not MIN_GOLDEN <= len(items) <= MAX_GOLDEN:
        count = len(items) if isinstance(items, list) else 0
        raise Refused(f"The golden set has {count} items; {MIN_GOLDEN} to {MAX_GOLDEN} are needed.")
    return float(atol), items


def _parse_item(item: Any, bundle: Bundle, classes: int) -> tuple[str, npt.NDArray[np.float64]]:
    name = item.get("file") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name.startswith("golden/") or name not in bundle.files:
        raise Refused(f"golden.json names {name!r}, which is not in the bundle.")
    try:
        wanted = np.asarray(item.get("probabilities"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise Refused(f"golden.json: the probabilities of {name} are not numbers.") from error
    if wanted.shape != (classes,):
        raise Refused(f"golden.json: {name} has {wanted.size} probabilities for {classes} labels.")
    return name, wanted


def _parse_labels(value: Any, classes: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise Refused("labels.json is not a list of texts.")
    if len(value) != classes:
        raise Refused(f"labels.json has {len(value)} labels, contract.json says {classes} classes.")
    return tuple(value)


def _make_session(graph: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except _ORT_ERRORS as error:
        raise Refused(f"onnxruntime {onnxruntime.__version__} cannot load model.onnx: {error}") from error


def _check_graph(session: Any, contract: Contract) -> None:
    taken = {item.name: item for item in session.get_inputs()}
    given = {item.name: item for item in session.get_outputs()}
    if set(taken) != {contract.input_name} or contract.output_name not in given:
        raise Refused(f"model.onnx takes {sorted(taken)} and gives {sorted(given)}, contract.json says otherwise.")
    image, output = taken[contract.input_name], given[contract.output_name]
    if image.type != "tensor(uint8)" or output.type != "tensor(float)":
        raise Refused(
            f"model.onnx takes {image.type} and gives {output.type}; tensor(uint8) and tensor(float) are due."
        )
    wanted = [contract.height, contract.width, contract.channels]
    if len(image.shape) != 4 or any(
        isinstance(size, int) and size != due for size, due in zip(image.shape[1:], wanted, strict=True)
    ):
        raise Refused(f"model.onnx takes images of shape {image.shape[1:]}, contract.json says {wanted}.")


class Models:
    """The models being served, one per module, and how fast they answer. Swapping one is one assignment."""

    def __init__(self, window: int = 512) -> None:
        self._models: dict[str, LoadedModel] = {}
        self._times: deque[float] = deque(maxlen=window)
        self._count = 0
        self._lock = threading.Lock()

    def get(self, ai_module: str) -> LoadedModel | None:
        return self._models.get(ai_module)

    def put(self, model: LoadedModel) -> None:
        with self._lock:
            self._models = {**self._models, model.ai_module: model}

    def all(self) -> list[LoadedModel]:
        return [self._models[name] for name in sorted(self._models)]

    def infer(self, model: LoadedModel, images: Sequence[bytes]) -> tuple[list[Prediction], float]:
        """Predictions and the milliseconds they took, decoding included."""
        started = time.perf_counter()
        predictions = model.predict(images)
        milliseconds = (time.perf_counter() - started) * 1000
        with self._lock:
            self._count += len(images)
            self._times.append(milliseconds / len(images))
        return predictions, milliseconds

    def statistics(self) -> tuple[int, float | None]:
        """(images answered since the start, median milliseconds per image over the last requests)."""
        with self._lock:
            times = list(self._times)
            return self._count, round(statistics.median(times), 3) if times else None


def runtime_name() -> str:
    return f"onnxruntime {onnxruntime.__version__} on {os.cpu_count()} CPUs"
