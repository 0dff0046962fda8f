"""Checkpoints: whole at any moment, never executed, and only continued by the run they belong to."""

import os
from pathlib import Path

import pytest
import torch

from app.errors import Invalid
from workers.training import checkpoints

from .conftest import Finished


class Trap:
    """A pickle that runs a command when it is opened."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.proof),)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    checkpoints.write_atomically(path, lambda target: target.write_bytes(b"old"))

    def die_half_way(target: Path) -> None:
        target.write_bytes(b"ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checkpoints.write_atomically(path, die_half_way)
    assert path.read_bytes() == b"old"


def test_a_checkpoint_of_somebody_else_is_not_executed(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "trainyard": {}, "trap": Trap(tmp_path / "proof")}, tmp_path / "evil.ckpt")
    with pytest.raises(Invalid, match=r"evil.ckpt cannot be read"):
        checkpoints.load(tmp_path / "evil.ckpt")
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "base.ckpt").write_bytes(content)
    with pytest.raises(Invalid, match="Choose another base model"):
        checkpoints.load(tmp_path / "base.ckpt")


def test_a_half_checkpoint_is_not_resumed(finished: Finished, tmp_path: Path) -> None:
    whole = (finished.spec.work_dir / checkpoints.LAST).read_bytes()
    (tmp_path / "last.ckpt").write_bytes(whole[: len(whole) // 2])
    assert checkpoints.resumable(tmp_path / "last.ckpt", finished.spec.fingerprint()) == "its checkpoint is damaged"


def test_only_the_same_run_is_resumed(finished: Finished) -> None:
    path = finished.spec.work_dir / checkpoints.LAST
    assert isinstance(checkpoints.resumable(path, finished.spec.fingerprint()), dict)
    assert "another seed" in str(checkpoints.resumable(path, "some other fingerprint"))


def test_no_temporary_file_stays(finished: Finished) -> None:
    names = sorted(path.name for path in finished.spec.work_dir.iterdir())
    assert names == ["best.ckpt", "last.ckpt", "model.onnx", "split.jsonl"]
