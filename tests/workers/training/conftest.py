"""Fixtures of the training tests: one dataset and one finished run for all that only look at them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from workers.training.run import train
from workers.training.spec import TrainingResult, TrainingSample, TrainingSpec

from .doubles import ENOUGH_TO_LEARN, Recorder, draw_dataset, make_spec


@dataclass(frozen=True)
class Finished:
    spec: TrainingSpec
    result: TrainingResult
    reporter: Recorder


@pytest.fixture(scope="session")
def marks(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingSample]:
    return draw_dataset(tmp_path_factory.mktemp("marks"))


@pytest.fixture(scope="session")
def finished(marks: list[TrainingSample], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run of four epochs. Look, don't touch."""
    spec = make_spec(marks, tmp_path_factory.mktemp("run"), hyperparameters=ENOUGH_TO_LEARN)
    reporter = Recorder()
    return Finished(spec, train(spec, reporter), reporter)


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"
