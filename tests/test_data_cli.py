"""`./trainyard import` and `export`: a labelled dataset goes in, is skipped when it is there, and comes out again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import col, func, select
from typer.testing import CliRunner, Result

from app.cli import cli
from app.errors import Invalid
from app.infra.db import transaction
from app.settings import get_settings
from app.tables import AuditEvent, TrainingDataset, TrainingSample
from tests.formats.folder import text
from tests.support.images import png
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.waiting import wait_for

SIDE = 64
CLASSES = ("RBC", "WBC", "Platelets")


@pytest.fixture(autouse=True)
def _installation(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of its own, in which nothing runs, on the servers of the test."""
    monkeypatch.setenv("TRAINYARD_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def blood(root: Path, count: int, faulty: bool = True) -> Path:
    """The layout of the BCCD dataset: VOC files, a split, and one box without area in the last of them."""
    for number in range(count):
        name = f"BloodImage_{number:05}"
        picture = root / "BCCD/JPEGImages" / f"{name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(png(number, (SIDE, SIDE)))
        right = 1 if faulty and number == count - 1 else 20
        objects = "".join(
            f"<object><name>{label}</name><truncated>{number % 2}</truncated><difficult>0</difficult>"
            f"<bndbox><xmin>1</xmin><ymin>{y}</ymin><xmax>{right if y == 1 else 20}</xmax><ymax>{y + 9}</ymax></bndbox>"
            "</object>\n"
            for y, label in enumerate(CLASSES, 1)
        )
        head = f"<annotation><filename>{name}.png</filename><size><width>{SIDE}</width><height>{SIDE}</height></size>\n"
        text(root / "BCCD/Annotations" / f"{name}.xml", f"{head}{objects}</annotation>")
    names = "\n".join(f"BloodImage_{number:05}" for number in range(0, count, 2))
    text(root / "BCCD/ImageSets/Main/train.txt", names)
    return root


def rows(name: str) -> list[TrainingSample]:
    with transaction() as session:
        query = select(TrainingSample).join(TrainingDataset, col(TrainingDataset.id) == TrainingSample.dataset_id)
        return list(session.exec(query.where(TrainingDataset.name == name).order_by(col(TrainingSample.created_at))))


def count(name: str) -> tuple[int, int, int]:
    """Samples, labelled ones and boxes as the dataset says and as the rows do."""
    found = rows(name)
    with transaction() as session:
        dataset = session.exec(select(TrainingDataset).where(TrainingDataset.name == name)).one()
    assert (dataset.sample_count, dataset.labeled_count) == (len(found), sum(row.is_labeled for row in found))
    return len(found), dataset.labeled_count, sum(len(row.annotations) for row in found)


def test_a_dry_run_shows_the_whole_report_and_imports_nothing(tmp_path: Path, super_admin: Person) -> None:
    done = run("import", blood(tmp_path / "in", 3), "--dataset", "new:blood", "--dry-run")
    assert done.exit_code == 3, done.output
    assert "3 images, 3 labelled, 8 boxes" in done.output
    assert "BloodImage_00002.xml:2: the box has no area" in done.output
    with transaction() as session:
        assert session.exec(select(func.count()).select_from(TrainingDataset)).one() == 0


def test_faults_stop_the_import_until_somebody_leaves_them_out(tmp_path: Path, super_admin: Person) -> None:
    folder = blood(tmp_path / "in", 3)
    assert isinstance(run("import", folder, "--dataset", "new:blood").exception, Invalid)
    done = run("import", folder, "--dataset", "new:blood", "--skip-faults")
    assert done.exit_code == 3, done.output
    assert count("blood") == (3, 3, 8)
    first = rows("blood")[0]
    assert first.annotations[0]["box"] == [1, 1, 19, 9]
    assert (first.extra["file_name"], first.extra["split"]) == ("BCCD/JPEGImages/BloodImage_00000.png", "train")
    assert first.labeled_by == super_admin.id


def test_what_is_in_already_is_skipped(tmp_path: Path, super_admin: Person) -> None:
    run("import", blood(tmp_path / "in", 2, faulty=False), "--dataset", "new:blood")
    done = run("import", blood(tmp_path / "in", 5, faulty=False), "--dataset", "blood")
    assert done.exit_code == 0, done.output
    assert "3 images added" in done.output
    assert "2 were there already" in done.output
    assert count("blood") == (5, 5, 15)


def test_labels_reach_images_that_are_there_without_one_and_leave_a_persons_label(
    tmp_path: Path, super_admin: Person
) -> None:
    folder = blood(tmp_path / "in", 2, faulty=False)
    annotation = folder / "BCCD/Annotations/BloodImage_00001.xml"
    kept = annotation.read_text()
    annotation.unlink()
    assert run("import", folder, "--dataset", "new:blood").exit_code == 0
    assert count("blood") == (2, 1, 3)
    annotation.write_text(kept)
    done = run("import", folder, "--dataset", "blood")
    assert "0 images added, 1 labelled, 3 boxes" in done.output
    assert count("blood") == (2, 2, 6)
    with transaction() as session:
        actions = set(session.exec(select(AuditEvent.action)))
    assert {"dataset.create", "sample.create", "sample.label_imported"} <= actions


def test_classes_that_the_dataset_lacks_are_proposed_and_added_when_asked(tmp_path: Path, super_admin: Person) -> None:
    schema = {"task": "detection", "classes": [{"name": "RBC", "color": "#112233", "key": "r", "attributes": []}]}
    make_dataset(super_admin, name="blood", label_schema=schema)
    folder = blood(tmp_path / "in", 2, faulty=False)
    told = run("import", folder, "--dataset", "blood", "--dry-run")
    assert "lacks these classes: WBC, Platelets" in told.output
    assert "Change of the schema of 'blood' with --add-classes:" in told.output
    assert "  + attributes of class RBC: truncated (flag)" in told.output
    assert "  + class WBC, with truncated (flag)" in told.output
    assert "No label changes by it." in told.output
    assert told.exit_code == 3
    with transaction() as session:
        assert session.exec(select(TrainingDataset)).one().label_schema == schema
    assert run("import", folder, "--dataset", "blood", "--add-classes").exit_code == 0
    assert count("blood") == (2, 2, 6)
    with transaction() as session:
        dataset = session.exec(select(TrainingDataset)).one()
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "dataset.change_schema")).one()
    assert [entry["name"] for entry in dataset.label_schema["classes"]] == list(CLASSES)
    assert dataset.label_schema["classes"][0]["color"] == "#112233"
    assert [change["change"] for change in event.after["changes"]] == ["edit", "add", "add"]
    again = run("import", folder, "--dataset", "blood", "--dry-run")
    assert "Change of the schema" not in again.output


def test_boxes_are_not_put_into_a_dataset_of_classes(tmp_path: Path, super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    done = run("import", blood(tmp_path / "in", 1, faulty=False), "--dataset", str(dataset.id))
    assert isinstance(done.exception, Invalid)


def test_an_image_that_cannot_be_decoded_stays_outside_alone(tmp_path: Path, super_admin: Person) -> None:
    folder = blood(tmp_path / "in", 2, faulty=False)
    picture = folder / "BCCD/JPEGImages/BloodImage_00001.png"
    picture.write_bytes(picture.read_bytes()[:-30])
    done = run("import", folder, "--dataset", "new:blood", "--skip-faults")
    assert (done.exit_code, count("blood")) == (3, (1, 1, 3)), done.output
    assert "1 refused" in done.output


@pytest.mark.parametrize("format_name", ["voc", "coco", "cvat", "label_studio", "yolo", "csv"])
def test_no_box_is_lost_on_the_way_out_and_in_again(tmp_path: Path, super_admin: Person, format_name: str) -> None:
    run("import", blood(tmp_path / "in", 3), "--dataset", "new:blood", "--skip-faults")
    out = run("export", "blood", "--format", format_name, "--out", tmp_path / "out")
    assert out.exit_code == 0, out.output
    assert (tmp_path / "out/LOSSES.md").is_file()
    again = run("import", tmp_path / "out", "--dataset", "new:again")
    assert again.exit_code == 0, again.output

    def said(name: str) -> list[object]:
        return [(r.sha256, [(a["class"], a["box"]) for a in r.annotations], r.extra.get("split")) for r in rows(name)]

    assert sorted(said("again"), key=str) == sorted(said("blood"), key=str)


def test_an_export_is_in_the_audit_log_and_never_over_other_files(tmp_path: Path, super_admin: Person) -> None:
    run("import", blood(tmp_path / "in", 1, faulty=False), "--dataset", "new:blood")
    text(tmp_path / "full/mine.txt", "mine")
    assert isinstance(run("export", "blood", "--format", "coco", "--out", tmp_path / "full").exception, Invalid)
    assert run("export", "blood", "--format", "coco", "--out", tmp_path / "out", "--no-images").exit_code == 0
    assert not (tmp_path / "out/images").exists()
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "dataset.export")).one()
    assert event.after == {"format": "coco", "images": 1}


def test_a_killed_import_goes_on_where_it_was(tmp_path: Path, super_admin: Person) -> None:
    folder = blood(tmp_path / "in", 450, faulty=False)
    command = [sys.executable, "-m", "app.cli", "import", str(folder), "--dataset", "new:blood"]
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)

    def some() -> int:
        with transaction() as session:
            return session.exec(select(func.count()).select_from(TrainingSample)).one()

    wait_for(lambda: some() > 0 or process.poll() is not None, 60, "the first batch")
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = some()
    assert 0 < before < 450
    done = run("import", folder, "--dataset", "new:blood")
    assert done.exit_code == 0, done.output
    assert "Going on with 'blood'" in done.output
    assert f"{before} were there already" in done.output
    assert count("blood") == (450, 450, 1350)
