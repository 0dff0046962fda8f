"""Import and export in the dashboard: an archive is put in, looked at, decided about, and taken out again."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from app.infra.db import transaction
from app.settings import get_settings
from app.tables import AuditEvent, DatasetTransfer, TrainingSample
from app.tables.base import utcnow
from tests.browser.web_process import Web
from tests.support.archives import SCHEMA, coco
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset
from workers import transfers


@pytest.fixture
def dataset(ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """An empty dataset for boxes; the worker's files lie in the test's folder."""
    monkeypatch.setenv("TRAINYARD_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()
    return make_dataset(ada, label_schema=SCHEMA).id


def opened(page: Page, web: Web, person: Person, dataset: UUID) -> None:
    body = {"email": person.email, "password": PASSWORD}
    assert page.context.request.post(f"{web.url}/api/v1/auth/sign-in", data=body).ok
    page.goto(f"/datasets/{dataset}/transfers")
    expect(page.get_by_text("Nothing was imported or exported yet")).to_be_visible()


def work() -> None:
    """What the transfer worker would do now."""
    with transaction() as session:
        waiting = list(session.exec(select(DatasetTransfer.id).where(DatasetTransfer.status == "queued")))
    for transfer_id in waiting:
        transfers.transfer(str(transfer_id))


def shot(page: Page, name: str) -> None:
    """A picture for a person to look at, where one is asked for."""
    folder = os.environ.get("TRAINYARD_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_an_archive_is_looked_at_and_then_imported(page: Page, web: Web, ada: Person, dataset: UUID) -> None:
    opened(page, web, ada, dataset)
    shot(page, "empty")
    archive = {"name": "cells.zip", "mimeType": "application/zip", "buffer": coco(3, wrong=1, label="nucleus")}
    page.get_by_test_id("archive-file").set_input_files(archive)
    expect(page.get_by_test_id("row")).to_have_count(1)
    expect(page.get_by_test_id("status-transfer")).to_have_text("Queued")
    work()
    report = page.get_by_test_id("transfer-report")
    expect(report).to_contain_text("3 images, 5 boxes")
    expect(report).to_contain_text("annotations.json:1")
    expect(report.get_by_test_id("schema-change")).to_contain_text("class nucleus")
    expect(report.get_by_test_id("schema-change")).to_contain_text("No label changes by that.")
    shot(page, "report")
    page.get_by_test_id("import-adding").click()
    expect(page.get_by_test_id("row")).to_have_count(2)
    work()
    expect(page.get_by_test_id("transfer-report")).to_contain_text("3 images added, 5 boxes")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("row").first).to_contain_text("3 images added, 5 boxes")
    shot(page, "full")
    with transaction() as session:
        rows = list(session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset)))
    assert sorted(len(row.annotations) for row in rows) == [1, 2, 2]
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "dataset.change_schema")).one()
    assert event.after["label_schema"]["classes"][-1]["name"] == "nucleus"


def test_an_export_gets_a_download_and_says_what_is_lost(page: Page, web: Web, ada: Person, dataset: UUID) -> None:
    opened(page, web, ada, dataset)
    page.get_by_test_id("export-format").select_option("yolo")
    page.get_by_test_id("export").click()
    expect(page.get_by_test_id("row")).to_have_count(1)
    work()
    page.get_by_test_id("report").click()
    report = page.get_by_test_id("transfer-report")
    expect(report).to_contain_text("What this format cannot carry")
    with page.expect_download() as download:
        page.get_by_test_id("download").click()
    assert download.value.suggested_filename.endswith("-yolo.zip")
    expect(report.get_by_test_id("files")).to_have_text("The archive can be fetched, and is removed in 6 d")
    page.keyboard.press("Escape")
    expect(report).to_be_hidden()
    with transaction() as session:
        for row in session.exec(select(DatasetTransfer).where(DatasetTransfer.dataset_id == dataset)):
            row.completed_at = utcnow() - timedelta(days=8)
            session.add(row)
    page.reload()
    expect(page.get_by_test_id("files")).to_contain_text("The archive was removed")
    page.get_by_test_id("report").click()
    expect(page.get_by_test_id("transfer-report").get_by_test_id("files")).to_contain_text("Export again")
    expect(page.get_by_test_id("download")).to_have_count(0)
    shot(page, "removed")


def test_what_waits_is_cancelled(page: Page, web: Web, ada: Person, dataset: UUID) -> None:
    opened(page, web, ada, dataset)
    page.get_by_test_id("export-format").select_option("coco")
    page.get_by_test_id("export").click()
    page.get_by_test_id("cancel").click()
    expect(page.get_by_test_id("status-transfer")).to_have_text("Cancelled")


def test_the_page_fits_a_phone(page: Page, web: Web, ada: Person, dataset: UUID) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, web, ada, dataset)
    shot(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
