"""The ONNX graph: written, checked, and proved equal to torch before anybody sees it.

The TorchScript exporter is used, not the newer `dynamo=True`. Measured on these nets with torch 2.13: both give the
same nodes, the same differences and the same latency, but dynamo takes 2–5 s instead of 0.1 s, runs a compiler in a
forked worker, and writes stack traces with local paths into the file, so equal runs on two machines would give unequal
bundles. Since the TorchScript exporter is deprecated, torch is pinned and `prove_parity` judges every graph.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from app.errors import DomainError
from workers.training.images import InputFormat
from workers.training.model import Exportable

INPUT, OUTPUT = "image", "probabilities"
OPSET = 18
PARITY_ATOL = 1e-4


class ExportMismatch(DomainError):
    """The exported graph does not answer as torch does; such a model must not leave."""

    code, status, title = "export-mismatch", 500, "The exported model differs from the trained one"


def export_onnx(model: Exportable, form: InputFormat, path: Path) -> None:
    """Write one self-contained file with a free batch dimension."""
    example = torch.zeros((2, *form.shape), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # see the docstring of this module
        torch.onnx.export(
            model.to("cpu").eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "N"}, OUTPUT: {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
            external_data=False,
        )
    onnx.checker.check_model(str(path), full_check=True)


def prove_parity(path: Path, images: Sequence[NDArray[np.uint8]], expected: Sequence[Sequence[float]]) -> float:
    """Run each image through ONNX's reference evaluator; return the largest difference from torch.

    The reference evaluator is slow, plain Python: good as an independent judge, useless for serving.
    """
    evaluator = ReferenceEvaluator(str(path))
    worst = 0.0
    for image, wanted in zip(images, expected, strict=True):
        (answer,) = evaluator.run(None, {INPUT: image[None]})
        difference = float(np.abs(answer[0] - np.asarray(wanted)).max())
        if not difference <= PARITY_ATOL or int(np.argmax(answer[0])) != int(np.argmax(wanted)):
            raise ExportMismatch(
                f"The exported graph differs from torch by {difference:.2g} (allowed: {PARITY_ATOL:g}). "
                "No version was made; please report this with the job's log."
            )
        worst = max(worst, difference)
    return worst


def input_contract(form: InputFormat, classes: int) -> dict[str, Any]:
    """`contract.json` of the bundle."""
    return {
        "task": "classification",
        "input": {
            "name": INPUT,
            "dtype": "uint8",
            "layout": "NHWC",
            "height": form.height,
            "width": form.width,
            "channels": form.channels,
            "mode": form.mode,
            "resize": "bilinear",
            "exif_transpose": True,
        },
        "output": {"name": OUTPUT, "dtype": "float32", "classes": classes},
    }
