"""Imports from archives and exports to them: reported first, resumed after a kill, ended when cancelled."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import func, select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.infra.queue import TRANSFER_QUEUE, queue
from app.services import transfer_attempts
from app.settings import get_settings
from app.tables import AuditEvent, DatasetTransfer, TrainingDataset, TrainingSample
from app.tables.base import utcnow
from tests.support.archives import SCHEMA, coco
from tests.support.images import png, upload
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.waiting import wait_for
from workers import transfers
from workers.reconciler import RECONCILER, enqueue_transfers_once, sweep_transfers_once


@pytest.fixture
def dataset(super_admin: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingDataset]:
    """An empty dataset for boxes, and a data folder for the worker."""
    monkeypatch.setenv("TRAINYARD_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()
    yield make_dataset(super_admin, label_schema=SCHEMA)
    get_settings.cache_clear()


def asked(client: TestClient, dataset: TrainingDataset, archive: bytes, **options: Any) -> dict[str, Any]:
    (key,) = upload(client, dataset.id, [archive])
    answer = client.post(f"{base(dataset)}/imports", json={"upload_key": key, **options})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def base(dataset: TrainingDataset) -> str:
    return f"/api/v1/training/datasets/{dataset.id}"


def shown(client: TestClient, dataset: TrainingDataset, transfer_id: str) -> dict[str, Any]:
    answer = client.get(f"{base(dataset)}/transfers/{transfer_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def samples() -> tuple[int, int]:
    """Samples and boxes in the database."""
    with transaction() as session:
        rows = list(session.exec(select(TrainingSample)))
    return len(rows), sum(len(row.annotations) for row in rows)


def fetched(url: str) -> bytes:
    with httpx.Client(trust_env=False) as direct:
        answer = direct.get(url)
    assert answer.status_code == 200
    return answer.content


def test_a_dry_run_reports_everything_and_then_the_same_upload_is_imported(
    admin: TestClient, dataset: TrainingDataset
) -> None:
    made = asked(admin, dataset, coco(3, wrong=1), dry_run=True)
    assert made["status"] == "queued"
    assert transfers.transfer(made["id"]) == "completed"
    report = shown(admin, dataset, made["id"])
    assert (report["report"]["format"], report["report"]["survey"]["boxes"]) == ("coco", 5)
    assert report["report"]["kinds"] == {"zero-area": 1}
    assert report["report"]["first"][0]["place"] == "annotations.json:1"
    assert json.loads(fetched(report["faults"]))["kind"] == "zero-area"
    assert samples() == (0, 0)
    request = {"upload_key": made["options"]["upload_key"]}
    again = admin.post(f"{base(dataset)}/imports", json=request).json()
    assert transfers.transfer(again["id"]) == "completed"
    assert shown(admin, dataset, again["id"])["report"]["counts"]["added"] == 3
    assert samples() == (3, 5)
    with transaction() as session:
        actions = set(session.exec(select(AuditEvent.action)))
    assert {"dataset.import", "dataset.import_end", "sample.create"} <= actions


def test_a_dry_run_tells_of_images_that_cannot_be_decoded(admin: TestClient, dataset: TrainingDataset) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cat/whole.png", png(1, (64, 64)))
        archive.writestr("cat/short.png", png(2, (64, 64))[:-30])
    made = asked(admin, dataset, buffer.getvalue(), dry_run=True, format="csv")
    transfers.transfer(made["id"])
    report = shown(admin, dataset, made["id"])["report"]
    assert report["kinds"] == {"no-annotation": 2, "image": 1}


def test_classes_are_added_only_when_asked(admin: TestClient, dataset: TrainingDataset) -> None:
    archive = coco(1, label="nucleus")
    first = asked(admin, dataset, archive, dry_run=True)
    transfers.transfer(first["id"])
    looked = shown(admin, dataset, first["id"])["report"]
    assert looked["lacking"] == ["nucleus"]
    assert looked["schema_change"] == {"lines": ["class nucleus"], "labels_changed": 0}
    second = asked(admin, dataset, archive, add_classes=True)
    transfers.transfer(second["id"])
    assert samples() == (1, 2)
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "dataset.change_schema")).one()
    assert [change["new"]["name"] for change in event.after["changes"]] == ["nucleus"]


def test_more_classes_than_a_schema_takes_hinder_no_import_without_them(
    admin: TestClient, dataset: TrainingDataset
) -> None:
    document = {
        "images": [{"id": 1, "file_name": "0.png", "width": 64, "height": 64}],
        "annotations": [{"id": n, "image_id": 1, "category_id": n, "bbox": [1, 1, 9, 9]} for n in range(1000)],
        "categories": [{"id": n, "name": f"kind {n}"} for n in range(1000)],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("annotations.json", json.dumps(document))
        archive.writestr("images/0.png", png(1, (64, 64)))
    looked = asked(admin, dataset, buffer.getvalue(), dry_run=True)
    assert transfers.transfer(looked["id"]) == "completed"
    refused = shown(admin, dataset, looked["id"])["report"]["schema_change"]["refused"]
    assert "The classes of this source do not fit a schema" in refused
    adding = asked(admin, dataset, buffer.getvalue(), add_classes=True)
    assert transfers.transfer(adding["id"]) == "failed"
    assert shown(admin, dataset, adding["id"])["error"] == refused


def test_an_archive_that_leads_outside_fails_with_its_reason(admin: TestClient, dataset: TrainingDataset) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil.png", png())
    made = asked(admin, dataset, buffer.getvalue())
    assert transfers.transfer(made["id"]) == "failed"
    assert "lies outside" in shown(admin, dataset, made["id"])["error"]
    assert list((get_settings().data_dir / "transfers").iterdir()) == []


def test_an_upload_of_another_dataset_is_refused(
    super_admin: Person, admin: TestClient, dataset: TrainingDataset
) -> None:
    other = make_dataset(super_admin)
    (key,) = upload(admin, other.id, [coco(1)])
    answer = admin.post(f"{base(dataset)}/imports", json={"upload_key": key})
    assert (answer.status_code, answer.json()["field"]) == (422, "upload_key")


def test_a_cancelled_import_ends_and_what_waits_is_not_begun(admin: TestClient, dataset: TrainingDataset) -> None:
    waiting = asked(admin, dataset, coco(1))
    answer = admin.post(f"{base(dataset)}/transfers/{waiting['id']}/cancel")
    assert answer.json()["status"] == "cancelled"
    assert transfers.transfer(waiting["id"]) == "nothing to do now"
    running = asked(admin, dataset, coco(1))
    with transaction() as session:
        work = transfer_attempts.begin(session, transfers.PORTER, UUID(running["id"]), utcnow())
    assert work is not None
    admin.post(f"{base(dataset)}/transfers/{running['id']}/cancel")
    with transaction() as session:
        assert transfer_attempts.report(session, transfers.PORTER, work, 1, 1, {}, utcnow()) is False
        outcome = transfer_attempts.Outcome({})
        assert transfer_attempts.conclude(session, transfers.PORTER, work, outcome, utcnow()) is None
    assert admin.post(f"{base(dataset)}/transfers/{running['id']}/cancel").status_code == 409


def test_what_a_disabled_person_asked_for_is_not_done(
    super_admin: Person, second_admin: Person, admin: TestClient, dataset: TrainingDataset
) -> None:
    made = asked(admin, dataset, coco(1))
    with transaction() as session:
        from app.tables import User

        user = session.get_one(User, super_admin.id)
        user.is_active = False
        session.add(user)
    assert transfers.transfer(made["id"]) == "failed"
    assert samples() == (0, 0)


def test_a_lost_attempt_is_followed_by_another_and_the_lost_one_counts_no_more(
    admin: TestClient, dataset: TrainingDataset
) -> None:
    made = asked(admin, dataset, coco(1))
    with transaction() as session:
        lost = transfer_attempts.begin(session, transfers.PORTER, UUID(made["id"]), utcnow())
        assert transfer_attempts.begin(session, transfers.PORTER, UUID(made["id"]), utcnow()) is None
    assert lost is not None
    queue(TRANSFER_QUEUE).empty()
    later = utcnow() + transfer_attempts.LEASE + timedelta(seconds=1)
    with transaction() as session:
        assert transfer_attempts.enqueue_due(session, RECONCILER, set(), utcnow()) == 0
        assert transfer_attempts.enqueue_due(session, RECONCILER, set(), later) == 1
    assert queue(TRANSFER_QUEUE).job_ids == [f"{made['id']}_1"]
    with transaction() as session:
        following = transfer_attempts.begin(session, transfers.PORTER, UUID(made["id"]), later)
        assert following is not None
        outcome = transfer_attempts.Outcome({})
        assert transfer_attempts.conclude(session, transfers.PORTER, lost, outcome, later) is None
        assert transfer_attempts.conclude(session, transfers.PORTER, following, outcome, later) == "completed"


def test_a_worker_that_is_lost_again_and_again_is_told(admin: TestClient, dataset: TrainingDataset) -> None:
    made = asked(admin, dataset, coco(1))
    now = utcnow()
    for _ in range(transfer_attempts.MAX_ATTEMPTS + 1):
        with transaction() as session:
            transfer_attempts.begin(session, transfers.PORTER, UUID(made["id"]), now)
        now += transfer_attempts.LEASE + timedelta(seconds=1)
    found = shown(admin, dataset, made["id"])
    assert (found["status"], "lost 5 times" in found["error"]) == ("failed", True)


def test_an_export_is_an_archive_that_goes_in_again(
    super_admin: Person, admin: TestClient, dataset: TrainingDataset
) -> None:
    transfers.transfer(asked(admin, dataset, coco(3))["id"])
    answer = admin.post(f"{base(dataset)}/exports", json={"format": "cvat"})
    assert answer.status_code == 201, answer.text
    assert transfers.transfer(answer.json()["id"]) == "completed"
    made = shown(admin, dataset, answer.json()["id"])
    assert made["report"]["counts"] == {"images": 3, "labelled": 3, "boxes": 6}
    assert {loss["kind"] for loss in made["report"]["losses"]} >= {"box_ids"}
    archive = fetched(made["archive"])
    assert set(zipfile.ZipFile(io.BytesIO(archive)).namelist()) >= {"annotations.xml", "images/0.png", "LOSSES.md"}
    other = make_dataset(super_admin, label_schema=SCHEMA)
    assert transfers.transfer(asked(admin, other, archive)["id"]) == "completed"
    assert samples() == (6, 12)


def test_a_version_is_exported_as_it_was_frozen(admin: TestClient, dataset: TrainingDataset) -> None:
    transfers.transfer(asked(admin, dataset, coco(3))["id"])
    made = admin.post(f"{base(dataset)}/versions", json={"message": "first", "scope": "labeled"})
    assert made.status_code == 201, made.text
    transfers.transfer(asked(admin, dataset, coco(5))["id"])
    answer = admin.post(f"{base(dataset)}/exports", json={"format": "coco", "version": "latest", "images": False})
    assert answer.json()["options"]["version"] == made.json()["version"]
    assert transfers.transfer(answer.json()["id"]) == "completed"
    assert shown(admin, dataset, answer.json()["id"])["report"]["counts"] == {"images": 3, "labelled": 3, "boxes": 6}
    missing = admin.post(f"{base(dataset)}/exports", json={"format": "coco", "version": "9.9.9"})
    assert missing.status_code == 404


def test_boxes_are_not_exported_as_folders(admin: TestClient, dataset: TrainingDataset) -> None:
    answer = admin.post(f"{base(dataset)}/exports", json={"format": "folders"})
    assert answer.status_code == 422


def made_days_ago(transfer_id: str, days: float) -> None:
    with transaction() as session:
        row = session.get_one(DatasetTransfer, UUID(transfer_id))
        row.completed_at = utcnow() - timedelta(days=days)
        session.add(row)


def test_archives_and_lists_of_faults_are_removed_after_a_week(admin: TestClient, dataset: TrainingDataset) -> None:
    looked = asked(admin, dataset, coco(2, wrong=1))["id"]
    exported = admin.post(f"{base(dataset)}/exports", json={"format": "coco"}).json()["id"]
    kept = admin.post(f"{base(dataset)}/exports", json={"format": "voc"}).json()["id"]
    for transfer_id in (looked, exported, kept):
        assert transfers.transfer(transfer_id) == "completed"
    urls = [shown(admin, dataset, looked)["faults"], shown(admin, dataset, exported)["archive"]]
    made = shown(admin, dataset, kept)
    assert datetime.fromisoformat(made["files_until"]) - datetime.fromisoformat(made["completed_at"]) == timedelta(7)
    made_days_ago(looked, 7.01)
    made_days_ago(exported, 8)
    made_days_ago(kept, 6.9)
    for transfer_id in (looked, exported):  # nobody is handed an address that is about to lead nowhere
        over = shown(admin, dataset, transfer_id)
        assert (over["archive"], over["faults"], over["files_until"], over["files_removed"]) == (None, None, None, True)
    assert sweep_transfers_once() == 2
    with httpx.Client(trust_env=False) as direct:
        assert [direct.get(url).status_code for url in urls] == [404, 404]
    assert sweep_transfers_once() == 0
    removed = {row["id"]: row["files_removed"] for row in admin.get(f"{base(dataset)}/transfers").json()["items"]}
    assert removed == {looked: True, exported: True, kept: False}
    assert shown(admin, dataset, exported)["report"]["counts"]["images"] == 2
    fetched(shown(admin, dataset, kept)["archive"])


def test_what_made_no_files_says_nothing_of_them(admin: TestClient, dataset: TrainingDataset) -> None:
    made = asked(admin, dataset, coco(1))["id"]
    transfers.transfer(made)
    made_days_ago(made, 30)
    found = shown(admin, dataset, made)
    assert (found["files_until"], found["files_removed"]) == (None, False)


def test_a_killed_worker_loses_nothing(admin: TestClient, dataset: TrainingDataset) -> None:
    """kill -9 in the middle of an import; the next attempt brings in the rest, once."""
    made = asked(admin, dataset, coco(450))
    code = f"from workers.transfers import transfer; transfer({made['id']!r})"
    process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))

    def some() -> int:
        with transaction() as session:
            return session.exec(select(func.count()).select_from(TrainingSample)).one()

    wait_for(lambda: some() > 0 or process.poll() is not None, 90, "the first batch")
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = some()
    assert 0 < before < 450
    with transaction() as session:  # as after the time of a lease
        row = session.get_one(DatasetTransfer, UUID(made["id"]))
        row.lease_until = utcnow()
        session.add(row)
    queue(TRANSFER_QUEUE).empty()
    assert enqueue_transfers_once() == 1
    assert transfers.transfer(made["id"]) == "completed"
    counts = shown(admin, dataset, made["id"])["report"]["counts"]
    assert (counts["added"], counts["known"]) == (450 - before, before)
    assert samples() == (450, 900)
    assert list((get_settings().data_dir / "transfers").iterdir()) == []
