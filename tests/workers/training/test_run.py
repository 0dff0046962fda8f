"""Whole runs on tiny images: what is reported, what repeats, and what stops them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.domain.hyperparameters import Hyperparameters
from app.errors import Invalid
from workers.training import checkpoints, model
from workers.training.guards import memory_faults_explained
from workers.training.run import train
from workers.training.spec import TrainingResult, TrainingSample

from .conftest import Finished
from .doubles import LABELS, Recorder, draw_dataset, make_spec, sample_of


class Killed(Exception):
    """Stands for the end of the process."""


class DiesInEpoch(Recorder):
    """Ends the run in the middle of an epoch, after three of its steps."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def metric(self, name: str, step: int, epoch: int, value: float) -> None:
        super().metric(name, step, epoch, value)
        if epoch == self._epoch and len([point for point in self.series("train_loss") if point[1] == epoch]) == 3:
            raise Killed


def weights_of(result: TrainingResult) -> dict[str, torch.Tensor]:
    assert result.checkpoint_path is not None
    return dict(checkpoints.load(result.checkpoint_path)["state_dict"])


def assert_same_outcome(one: TrainingResult, other: TrainingResult) -> None:
    assert one.metrics == other.metrics
    first, second = weights_of(one), weights_of(other)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert one.bundle_inputs is not None
    assert other.bundle_inputs is not None
    assert one.bundle_inputs.onnx_path.read_bytes() == other.bundle_inputs.onnx_path.read_bytes()
    assert [item.probabilities for item in one.bundle_inputs.golden] == [
        item.probabilities for item in other.bundle_inputs.golden
    ]


def test_a_run_learns_and_tells_how_it_goes(finished: Finished) -> None:
    result, reporter = finished.result, finished.reporter
    assert not result.cancelled
    assert result.metrics["accuracy"] > 0.8
    assert result.metrics["test_count"] == result.split["counts"]["test"] == 15
    assert result.inference_time_ms > 0
    steps = [step for step, _, _ in reporter.series("train_loss")]
    assert steps == list(range(1, len(steps) + 1))
    assert [step for step, _, _ in reporter.series("learning_rate")] == steps
    for name in ("train_accuracy", "val_loss", "val_accuracy"):
        assert [epoch for _, epoch, _ in reporter.series(name)] == [1, 2, 3, 4]
    assert any("accuracy" in line for line in reporter.lines)


def test_progress_rises_from_0_to_100_with_a_time_to_go(finished: Finished) -> None:
    told = finished.reporter.told
    percents = [percent for _, _, percent, _ in told]
    assert (percents[0], percents[-1]) == (0, 100)
    assert percents == sorted(percents)
    assert len(set(told)) == len(told)
    assert told[0][3] is None
    assert all(eta is not None and eta >= 0 for _, _, percent, eta in told if 0 < percent <= 95)
    assert [epoch for epoch, *_ in told] == sorted(epoch for epoch, *_ in told)
    assert {total for _, total, *_ in told} == {4}


def test_the_same_run_gives_the_same_result_whatever_the_order(finished: Finished, work_dir: Path) -> None:
    again = replace(finished.spec, work_dir=work_dir, samples=list(reversed(finished.spec.samples)))
    assert_same_outcome(train(again, Recorder()), finished.result)


def test_another_seed_gives_another_model(finished: Finished, work_dir: Path) -> None:
    other = train(replace(finished.spec, work_dir=work_dir, seed=6), Recorder())
    assert not torch.equal(weights_of(other)["net.head.weight"], weights_of(finished.result)["net.head.weight"])


@pytest.mark.parametrize("epoch", [2, 4])
def test_a_killed_run_continues_as_if_nothing_had_happened(finished: Finished, work_dir: Path, epoch: int) -> None:
    spec = replace(finished.spec, work_dir=work_dir)
    with pytest.raises(Killed):
        train(spec, DiesInEpoch(epoch))
    reporter = Recorder()
    result = train(replace(spec, resume=True), reporter)
    assert f"resuming after epoch {epoch - 1} of 4" in reporter.lines
    assert {seen for _, seen, _ in reporter.series("train_loss")} == set(range(epoch, 5))
    assert_same_outcome(result, finished.result)


def test_a_run_killed_after_its_last_epoch_does_not_train_again(finished: Finished, work_dir: Path) -> None:
    work_dir.mkdir()
    for name in (checkpoints.LAST, checkpoints.BEST):
        (work_dir / name).write_bytes((finished.spec.work_dir / name).read_bytes())
    reporter = Recorder()
    result = train(replace(finished.spec, work_dir=work_dir, resume=True), reporter)
    assert not reporter.series("train_loss")
    assert_same_outcome(result, finished.result)
    assert result.training == finished.result.training


def test_a_damaged_checkpoint_means_starting_over(finished: Finished, work_dir: Path) -> None:
    work_dir.mkdir()
    (work_dir / checkpoints.LAST).write_bytes(b"half a file")
    reporter = Recorder()
    result = train(replace(finished.spec, work_dir=work_dir, resume=True), reporter)
    assert any("its checkpoint is damaged" in line for line in reporter.lines)
    assert_same_outcome(result, finished.result)


def test_a_cancel_is_seen_at_the_next_batch_and_keeps_the_last_whole_epoch(
    marks: list[TrainingSample], work_dir: Path
) -> None:
    spec = make_spec(marks, work_dir, hyperparameters={"epochs": 50})
    reporter = Recorder(cancel_after=8)
    result = train(spec, reporter)
    assert result.cancelled
    assert len(reporter.series("train_loss")) == 8
    assert result.bundle_inputs is None
    assert result.checkpoint_path == work_dir / checkpoints.LAST
    assert checkpoints.load(result.checkpoint_path)["trainyard"]["epoch"] == 2


def test_a_cancel_before_the_start_trains_nothing(marks: list[TrainingSample], work_dir: Path) -> None:
    result = train(make_spec(marks, work_dir), Recorder(cancel_after=0))
    assert (result.cancelled, result.checkpoint_path) == (True, None)


def test_divergence_is_told_with_its_step_and_cure(
    marks: list[TrainingSample], work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "rise_and_fall", lambda *_: 1e38)
    reporter = Recorder()
    with pytest.raises(Invalid, match=r"loss became (NaN|infinite) at step \d \(epoch 1\): lower learning_rate"):
        train(make_spec(marks, work_dir, hyperparameters={"batch_size": 4}), reporter)
    assert not reporter.series("val_loss")


def test_divergence_in_validation_stops_as_well(
    marks: list[TrainingSample], work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overflow(self: model.Classifier, *_: object) -> None:
        self.log("val_loss", torch.tensor(float("inf")), batch_size=1)
        self.log("val_accuracy", torch.tensor(0.5), batch_size=1)

    monkeypatch.setattr(model.Classifier, "validation_step", overflow)
    with pytest.raises(Invalid, match="loss became infinite"):
        train(make_spec(marks, work_dir), Recorder())
    assert not (work_dir / checkpoints.LAST).exists()


def test_running_out_of_memory_is_told_with_its_cure() -> None:
    with (
        pytest.raises(Invalid, match=r"Out of memory with batch_size 64.*lower batch_size first"),
        memory_faults_explained(Hyperparameters()),
    ):
        torch.empty(2**48)


def test_other_faults_are_not_taken_for_memory_faults() -> None:
    with pytest.raises(RuntimeError, match="size of tensor"), memory_faults_explained(Hyperparameters()):
        torch.zeros(2) + torch.zeros(3)


def test_early_stopping_stops(marks: list[TrainingSample], work_dir: Path) -> None:
    choices = {"epochs": 40, "early_stopping_patience": 1, "learning_rate": 1e-6}
    spec = make_spec(marks, work_dir, hyperparameters=choices)
    result = train(spec, Recorder())
    assert result.training["epochs"] < 40
    again = train(replace(spec, resume=True), reporter := Recorder())
    assert not reporter.series("train_loss")
    assert again.training == result.training


def test_fine_tuning_takes_the_weights_and_tests_on_images_new_to_the_base(finished: Finished, work_dir: Path) -> None:
    spec = replace(finished.spec, work_dir=work_dir, seed=77, base_checkpoint=finished.result.checkpoint_path)
    reporter = Recorder()
    result = train(spec, reporter)
    assert "fine-tuning: 38 of 38 weight tensors taken from the base model, head kept" in reporter.lines
    assert result.split["test_seen_by_base"] == 0
    assert reporter.series("train_loss")[0][2] < finished.reporter.series("train_loss")[0][2] / 2


def test_fine_tuning_to_other_labels_starts_a_new_head(finished: Finished, work_dir: Path, tmp_path: Path) -> None:
    labels = (*LABELS, "full")
    samples = draw_dataset(tmp_path / "four", labels=labels)
    reporter = Recorder()
    base = finished.result.checkpoint_path
    result = train(make_spec(samples, work_dir, labels=labels, base_checkpoint=base), reporter)
    line = "fine-tuning: 36 of 38 weight tensors taken from the base model, head starts anew"
    assert any(told.startswith(line) for told in reporter.lines)
    assert result.metrics["labels"] == list(labels)


def test_a_new_order_of_the_labels_starts_a_new_head(finished: Finished, work_dir: Path) -> None:
    reporter = Recorder()
    base = finished.result.checkpoint_path
    train(replace(finished.spec, work_dir=work_dir, labels=LABELS[::-1], base_checkpoint=base), reporter)
    assert any("head starts anew" in line for line in reporter.lines)


def test_a_gpu_that_is_not_there_is_told(marks: list[TrainingSample], work_dir: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA GPU")
    with pytest.raises(Invalid, match="no CUDA GPU"):
        train(make_spec(marks, work_dir, hyperparameters={"accelerator": "gpu"}), Recorder())


def test_a_broken_image_stops_the_run_before_its_first_step(
    marks: list[TrainingSample], work_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    reporter = Recorder()
    with pytest.raises(Invalid, match="Sample broken "):
        train(make_spec([*marks, sample_of(tmp_path / "broken.png", "spot")], work_dir), reporter)
    assert not reporter.points


def test_colour_images_that_are_not_square(work_dir: Path, tmp_path: Path) -> None:
    samples = draw_dataset(tmp_path / "wide", size=(10, 26), channels=3)
    result = train(make_spec(samples, work_dir), Recorder())
    assert result.training["input"] == {"height": 10, "width": 26, "channels": 3}


def test_images_of_different_sizes_are_resized_and_it_is_said(work_dir: Path, tmp_path: Path) -> None:
    samples = draw_dataset(tmp_path / "a") + [
        replace(sample, sample_id=f"b-{sample.sample_id}") for sample in draw_dataset(tmp_path / "b", size=(16, 14))
    ]
    reporter = Recorder()
    result = train(make_spec(samples, work_dir, hyperparameters={"image_size": 16}), reporter)
    assert result.training["input"] == {"height": 16, "width": 16, "channels": 1}
    assert "images of 2 sizes are resized to it; image_size chooses another" in reporter.lines
