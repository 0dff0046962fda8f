"""The ONNX graph of a finished run, and the gate that lets no other graph pass."""

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from workers.training import export
from workers.training.images import InputFormat
from workers.training.model import Architecture, CompactCNN, Exportable, Preprocess

from .conftest import Finished


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]


@pytest.fixture(scope="module")
def graph(finished: Finished) -> onnx.ModelProto:
    assert finished.result.bundle_inputs is not None
    return onnx.load(finished.result.bundle_inputs.onnx_path, load_external_data=False)


def test_graph_takes_uint8_images_and_gives_float_probabilities(graph: onnx.ModelProto) -> None:
    (taken,), (given,) = graph.graph.input, graph.graph.output
    assert (taken.name, taken.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert (given.name, given.type.tensor_type.elem_type) == ("probabilities", onnx.TensorProto.FLOAT)
    assert shape_of(taken) == ["N", 12, 12, 1]
    assert shape_of(given) == ["N", 3]


def test_graph_is_one_file_of_a_recent_opset_without_local_paths(finished: Finished, graph: onnx.ModelProto) -> None:
    assert finished.result.bundle_inputs is not None
    path = finished.result.bundle_inputs.onnx_path
    assert [opset.version >= 18 for opset in graph.opset_import if opset.domain in ("", "ai.onnx")] == [True]
    assert all(weight.data_location == onnx.TensorProto.DEFAULT for weight in graph.graph.initializer)
    assert [each.name for each in path.parent.iterdir() if each.suffix in {".onnx", ".data"}] == ["model.onnx"]
    assert b".py" not in path.read_bytes()


def test_rows_sum_to_one_for_any_batch(finished: Finished) -> None:
    assert finished.result.bundle_inputs is not None
    evaluator = ReferenceEvaluator(str(finished.result.bundle_inputs.onnx_path))
    for count in (1, 5):
        images = np.random.default_rng(0).integers(0, 256, (count, 12, 12, 1), dtype=np.uint8)
        (answer,) = evaluator.run(None, {"image": images})
        assert answer.shape == (count, 3)
        assert answer.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)


def test_another_models_graph_does_not_pass(finished: Finished) -> None:
    inputs = finished.result.bundle_inputs
    assert inputs is not None
    image = np.zeros((12, 12, 1), dtype=np.uint8)
    (answer,) = ReferenceEvaluator(str(inputs.onnx_path)).run(None, {"image": image[None]})
    assert export.prove_parity(inputs.onnx_path, [image], [answer[0].tolist()]) == 0
    shifted = (answer[0] + np.array([0.001, -0.001, 0])).tolist()
    with pytest.raises(export.ExportMismatch, match=r"differs from torch by 0\.001"):
        export.prove_parity(inputs.onnx_path, [image], [shifted])


@pytest.mark.parametrize("form", [InputFormat(8, 8, 1), InputFormat(33, 50, 3), InputFormat(200, 96, 3)])
def test_every_format_can_be_exported(form: InputFormat, tmp_path) -> None:
    torch.manual_seed(1)
    net = CompactCNN(Architecture(form.height, form.width, form.channels, 5, 8, 0.1))
    model = Exportable(Preprocess([0.5] * form.channels, [0.2] * form.channels), net).eval()
    image = torch.randint(0, 256, form.shape, dtype=torch.uint8)
    with torch.inference_mode():
        wanted = model(image[None])[0].tolist()
    export.export_onnx(model, form, tmp_path / "model.onnx")
    assert export.prove_parity(tmp_path / "model.onnx", [image.numpy()], [wanted]) < 1e-5
