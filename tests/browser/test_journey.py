"""A person walks the loop in a real browser: sign in, label, train, approve with an own key, release, deploy, roll out.

What a worker and an edge server would report is reported by their own services; the processes themselves are tested
in tests/e2e.
"""

import re
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.distribution.keys import seal_key_file
from app.domain.permissions import EdgeActor, SystemActor
from app.infra.db import transaction
from app.schemas.edge_servers import DeploymentProgress, Heartbeat, LoadedModel
from app.schemas.training_jobs import JobProgress, MetricPointIn
from app.services import edge_nodes, job_runs
from app.tables import TrainingJob
from app.tables.base import utcnow
from tests.browser.conftest import Watched
from tests.browser.pictures import add_pictures, verify_all
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_edge, make_version
from tests.support.trust import Trusted
from tests.support.waiting import wait_for

WORKER = SystemActor("worker")
PASSPHRASE = "five words make it long"
UUID_IN_PATH = re.compile(r"/(jobs|datasets|models)/[0-9a-f-]{36}$")


@pytest.fixture(scope="module")
def trusted(ada: Person) -> Trusted:
    made = Trusted()
    made.publish(ada)
    return made


@pytest.fixture
def signed_in(context: BrowserContext, ada: Person, web_url: str) -> BrowserContext:
    sign_in(context, ada, web_url)
    return context


def sign_in(context: BrowserContext, person: Person, web_url: str) -> None:
    body = {"email": person.email, "password": PASSWORD}
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok


def id_in(page: Page) -> UUID:
    return UUID(page.url.rsplit("/", 1)[-1])


def test_signing_in_leads_to_the_page_that_was_asked_for(page: Page, ada: Person) -> None:
    page.goto("/jobs?status=running")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fjobs%3Fstatus%3Drunning$"))
    page.get_by_test_id("sign-in-email").fill(ada.email)
    page.get_by_test_id("sign-in-password").fill("not the password")
    page.get_by_test_id("sign-in-submit").click()
    expect(page.get_by_test_id("sign-in-error")).to_contain_text("wrong")
    page.get_by_test_id("sign-in-password").fill(PASSWORD)
    page.get_by_test_id("sign-in-submit").click()
    expect(page).to_have_url(re.compile(r"/jobs\?status=running$"))
    expect(page.get_by_test_id("filter-status")).to_have_value("running")
    page.get_by_test_id("person-menu").click()
    page.get_by_test_id("sign-out").click()
    expect(page).to_have_url(re.compile(r"/sign-in$"))
    page.goto("/jobs")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fjobs$"))


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example",
        "/.//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://[",
    ],
)
def test_signing_in_never_leads_to_another_site(page: Page, ada: Person, web_url: str, there: str) -> None:
    page.goto("/sign-in?next=" + there)
    page.get_by_test_id("sign-in-email").fill(ada.email)
    page.get_by_test_id("sign-in-password").fill(PASSWORD)
    page.get_by_test_id("sign-in-submit").click()
    expect(page.get_by_test_id("loop-diagram")).to_be_visible()
    assert page.url.startswith(web_url)


def test_a_dataset_is_made_and_its_labels_are_verified(
    signed_in: BrowserContext, page: Page, bob: Person, web_url: str
) -> None:
    page.goto("/datasets")
    page.get_by_test_id("new-dataset").first.click()
    dialog = page.get_by_test_id("form-dialog")
    dialog.locator("input[name=name]").fill("Meter digits")
    dialog.locator("input[name=ai_module]").fill("meter_digits")
    dialog.locator("textarea[name=classes]").fill("zero")
    page.get_by_test_id("form-submit").click()
    expect(dialog.get_by_test_id("error")).to_contain_text("classes")
    expect(dialog.locator("input[name=name]")).to_have_value("Meter digits")
    dialog.locator("textarea[name=classes]").fill("zero\none")
    page.get_by_test_id("form-submit").click()
    expect(page).to_have_url(UUID_IN_PATH)
    add_pictures(web_url, bob, id_in(page), 24)
    page.reload()
    pictures = page.get_by_test_id("sample")
    expect(pictures).to_have_count(24)
    page.get_by_test_id("pick-all").click()
    expect(page.get_by_text("24 picked")).to_be_visible()
    page.get_by_test_id("sample-select").first.click()
    page.get_by_test_id("verify").click()
    expect(page.get_by_test_id("notice")).to_contain_text("23 samples verified")
    page.get_by_test_id("sample-select").first.click()
    page.get_by_test_id("reject").click()
    page.locator("textarea[name=reason]").fill("cut off")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("1 sample rejected")
    page.get_by_test_id("filter-status").select_option("rejected")
    expect(pictures).to_have_count(1)
    expect(page).to_have_url(re.compile(r"status=rejected"))
    page.get_by_test_id("sample-open").click()
    expect(page.get_by_test_id("sample-dialog")).to_contain_text("cut off")


def test_who_labelled_a_sample_is_told_why_it_cannot_be_verified(
    signed_in: BrowserContext, page: Page, ada: Person, web_url: str
) -> None:
    dataset = make_dataset(ada)
    add_pictures(web_url, ada, dataset.id, 2)
    page.goto(f"/datasets/{dataset.id}")
    page.get_by_test_id("pick-all").click()
    page.get_by_test_id("verify").click()
    expect(page.get_by_test_id("notice")).to_contain_text("another person has to verify it")
    expect(page.get_by_test_id("notice")).to_have_attribute("data-tone", "error")


def test_a_job_is_watched_live_and_cancelled(
    signed_in: BrowserContext, page: Page, ada: Person, bob: Person, web_url: str
) -> None:
    dataset = make_dataset(bob, name="For training")
    add_pictures(web_url, bob, dataset.id, 12)
    verify_all(ada, dataset.id)
    page.goto("/jobs")
    page.get_by_test_id("new-job").first.click()
    page.locator("input[name=name]").fill("watched run")
    page.get_by_test_id("job-dataset").select_option(str(dataset.id))
    page.locator("input[name=epochs]").fill("4")
    page.get_by_test_id("form-submit").click()
    expect(page).to_have_url(UUID_IN_PATH)
    job_id = id_in(page)
    expect(page.locator("[data-status=queued]").first).to_be_visible()
    expect(page.get_by_test_id("chart-loss")).to_contain_text("Live")
    with transaction() as session:
        attempt = session.get_one(TrainingJob, job_id).attempt
        job_runs.begin(session, WORKER, job_id, attempt)
    expect(page.locator("[data-status=running]").first).to_be_visible()
    for step in range(1, 5):
        points = [MetricPointIn(name="train_loss", step=step, epoch=1, value=1 / step)]
        with transaction() as session:
            progress = JobProgress(points=points, log=f"step {step}\n", current_epoch=1, progress_percent=step * 10)
            job_runs.report(session, WORKER, job_id, attempt, progress)
    expect(page.get_by_test_id("chart-loss")).to_contain_text("0.25")
    expect(page.get_by_test_id("job-log")).to_contain_text("step 4")
    expect(page.get_by_text("40%").first).to_be_visible()
    page.get_by_test_id("cancel-job").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id("notice")).to_contain_text("stops after the batch")
    with transaction() as session:
        job_runs.cancelled(session, WORKER, job_id, attempt)
    expect(page.locator("[data-status=cancelled]").first).to_be_visible()
    expect(page.get_by_test_id("cancel-job")).to_have_count(0)


def test_a_version_is_approved_with_an_own_key_released_and_deployed(
    signed_in: BrowserContext, page: Page, ada: Person, trusted: Trusted, key_folder: Path
) -> None:
    version, edge = make_version("1.0.0"), make_edge(ada, "edge-rotterdam", latitude=51.9, longitude=4.0)
    assert edge.id is not None
    key_file = key_folder / "ada.key"
    key_file.write_text(seal_key_file(trusted.keys[ada.id], PASSPHRASE))
    page.goto(f"/models/{version.id}")
    page.get_by_test_id("start-testing").click()
    page.get_by_test_id("approve").click()
    dialog = page.get_by_test_id("signing-dialog")
    expect(dialog).to_contain_text(version.bundle_sha256)
    dialog.locator("input[type=file]").set_input_files(key_file)
    page.get_by_test_id("sign-passphrase").fill("not the passphrase")
    page.get_by_test_id("sign-submit").click()
    expect(page.get_by_test_id("sign-error")).to_be_visible()
    page.get_by_test_id("sign-passphrase").fill(PASSPHRASE)
    page.get_by_test_id("sign-submit").click()
    expect(page.locator("[data-status=approved]").first).to_be_visible()
    page.get_by_test_id("release").click()
    page.get_by_test_id("confirm-release-yes").click()
    expect(page.locator("[data-status=released]").first).to_be_visible()
    page.get_by_test_id("deploy").click()
    page.locator("select[name=edge_server_id]").select_option(str(edge.id))
    page.get_by_test_id("form-submit").click()
    rows = page.get_by_test_id("deployments")
    expect(rows.locator("[data-status=pending]")).to_be_visible()
    edge_says(edge.id, "downloading", 40)
    expect(rows.locator("[data-status=downloading]")).to_be_visible()
    edge_says(edge.id, "failed", 40, "The bundle's sha256 is not the one that was signed.")
    expect(rows.get_by_test_id("reason")).to_contain_text("not the one that was signed")
    rows.get_by_test_id("retry").click()
    expect(rows.locator("[data-status=pending]")).to_be_visible()
    page.goto(f"/edge-servers/{edge.id}")
    expect(page.get_by_test_id("deployments")).to_contain_text("meter_digits 1.0.0")
    beats_until(page, edge.id, version.id, "0" * 64, verdict="different")
    beats_until(page, edge.id, version.id, version.bundle_sha256, verdict="same")


def edge_says(edge_id: int, status: str, percent: int, error: str | None = None) -> None:
    """Report the progress of the one deployment that is ordered for the edge."""
    actor = EdgeActor(edge_id, "edge", None)
    with transaction() as session:
        beaten = Heartbeat(edge_version="0.1.0", platform="linux/x86_64", loaded=[])
        (assignment,) = edge_nodes.heartbeat(session, actor, beaten).assignments
        report = DeploymentProgress.model_validate(
            {"status": status, "progress_percent": percent, "error_message": error}
        )
        edge_nodes.progress(session, actor, assignment.deployment_id, report)


def beat(edge_id: int, version_id: UUID, sha256: str) -> None:
    """A heartbeat of an edge that has loaded a bundle of that digest."""
    loaded = LoadedModel(
        ai_module="meter_digits", version="1.0.0", model_version_id=version_id, bundle_sha256=sha256, loaded_at=utcnow()
    )
    beaten = Heartbeat(edge_version="0.1.0", platform="linux/x86_64", loaded=[loaded], inference_count=7)
    with transaction() as session:
        edge_nodes.heartbeat(session, EdgeActor(edge_id, "edge", None), beaten)


def beats_until(page: Page, edge_id: int, version_id: UUID, sha256: str, *, verdict: str) -> None:
    """Heartbeats, again and again as an edge sends them, until the page shows the verdict on the loaded digest."""

    def shown() -> bool:
        beat(edge_id, version_id, sha256)
        try:
            expect(page.get_by_test_id("digest-verdict")).to_have_attribute("data-verdict", verdict, timeout=1500)
        except AssertionError:
            return False
        return True

    wait_for(shown, 20, f"the verdict {verdict!r}")


def test_an_edge_server_is_made_and_its_command_is_shown_once(
    signed_in: BrowserContext, page: Page, trusted: Trusted
) -> None:
    page.goto("/edge-servers")
    page.get_by_test_id("new-edge-server").first.click()
    page.locator("input[name=name]").fill("edge-gdansk")
    page.locator("input[name=latitude]").fill("54.4")
    page.locator("input[name=longitude]").fill("18.7")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("enrolment-command")).to_contain_text("TRAINYARD_EDGE_TOKEN=tyedge_")
    page.get_by_test_id("command-done").click()
    expect(page.get_by_test_id("enrolment-command")).to_have_count(0)
    expect(page.get_by_test_id("row").filter(has_text="edge-gdansk")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("row").filter(has_text="edge-gdansk")).to_be_visible()
    assert "tyedge_" not in page.content()


def test_pages_ask_nobody_else(signed_in: BrowserContext, watched: Watched, web_url: str) -> None:
    """No font, map, script or count comes from anywhere but this server and its store."""
    for path in ("/", "/datasets", "/jobs", "/models", "/edge-servers"):
        watched.page.goto(path)
        expect(watched.page.locator("h1")).to_be_visible()
    foreign = [url for url in watched.requests if not url.startswith((web_url, "http://127.0.0.1", "data:", "blob:"))]
    assert not foreign
    assert not watched.faults
