"""/status on a phone of 360 pixels: everything fits, follows what happens, and says how old it is."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.domain.machines import DeploymentStatus, JobStatus, ModelVersionStatus
from app.domain.permissions import EdgeActor, Plan, Role, SystemActor
from app.infra.db import transaction
from app.schemas.edge_servers import Heartbeat, LoadedModel
from app.schemas.training_jobs import JobProgress
from app.services import deployments, edge_nodes, job_runs
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, Rollout, TrainingJob
from app.tables.base import utcnow
from tests.browser.conftest import Watched
from tests.browser.web_process import Web
from tests.support import people
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_edge, make_job, make_version

WIDTH = 360
TOUCH = 40
FRESH = re.compile("^(as of|heartbeat) (just now|now|[0-9]+ s ago)$")
LONG = "digits_of_all_pumping_stations_between_rotterdam_and_the_sea_second_attempt"


@pytest.fixture(scope="module")
def job(ada: Person) -> TrainingJob:
    return make_job(ada, make_dataset(ada), JobStatus.RUNNING, name="night run", heartbeat_at=utcnow())


@pytest.fixture(scope="module")
def version(ada: Person) -> AiModelVersion:
    done = {"is_approved": True, "approved_by": ada.id, "approved_at": utcnow()}
    released = {"is_released": True, "released_at": utcnow(), "status": ModelVersionStatus.RELEASED}
    return make_version("1.1.0", **done, **released)


@pytest.fixture(scope="module")
def edge(ada: Person) -> EdgeServer:
    return make_edge(ada, "edge-rotterdam", site="Pumping station Maasvlakte", last_heartbeat_at=utcnow())


@pytest.fixture
def context(chromium: Browser, web: Web) -> Iterator[BrowserContext]:
    """A phone."""
    opened = chromium.new_context(
        viewport={"width": WIDTH, "height": 800}, base_url=web.url, is_mobile=True, has_touch=True
    )
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def phone(context: BrowserContext, page: Page, web_url: str, ada: Person) -> Page:
    sign_in(context, ada, web_url)
    return page


def sign_in(context: BrowserContext, person: Person, web_url: str) -> None:
    body = {"email": person.email, "password": PASSWORD}
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok


def card(page: Page, kind: str, row_id: object) -> Locator:
    return page.locator(f"[data-testid={kind}-card][data-row-id='{row_id}']")


def age(shown: Locator) -> Locator:
    """How old the card's own fact is."""
    return shown.locator("> [data-testid=as-of]")


def is_live(page: Page) -> None:
    expect(page.get_by_test_id("live-mark")).to_have_text("Live")


def beat(edge: EdgeServer, *versions: AiModelVersion, digest: str = "") -> None:
    loaded = [
        LoadedModel(
            ai_module=version.ai_module,
            version=version.version,
            model_version_id=version.id,
            bundle_sha256=digest or version.bundle_sha256,
            loaded_at=utcnow(),
        )
        for version in versions
    ]
    request = Heartbeat(edge_version="0.1.0", platform="linux/x86_64", loaded=loaded)
    with transaction() as session:
        edge_nodes.heartbeat(session, EdgeActor(int(edge.id or 0), edge.name, edge.organization_id), request)


def order(owner: Person, edge: EdgeServer, version: AiModelVersion) -> ModelDeployment:
    rollout = Rollout(model_version_id=version.id, kind="single", target_count=1, created_by=owner.id)
    row = ModelDeployment(
        rollout_id=rollout.id,
        model_version_id=version.id,
        ai_module=version.ai_module,
        edge_server_id=edge.id,
        status=DeploymentStatus.DOWNLOADING,
        progress_percent=40,
    )
    with transaction() as session:
        session.add(rollout)
        session.flush()
        deployments.changed(session, row)
    return row


def test_an_empty_status_says_what_will_stand_there(phone: Page) -> None:
    phone.goto("/status")
    expect(phone.get_by_text("Nothing runs or waits, and nothing ended within 24 hours.")).to_be_visible()
    expect(phone.get_by_text("No edge servers")).to_be_visible()


def test_a_job_is_followed_while_it_runs(phone: Page, job: TrainingJob) -> None:
    phone.goto("/status")
    is_live(phone)
    shown = card(phone, "job", job.id)
    expect(shown).to_contain_text("night run")
    with transaction() as session:
        progress = JobProgress(current_epoch=2, progress_percent=42, eta_seconds=600)
        job_runs.report(session, SystemActor("worker"), job.id, 1, progress)
    expect(shown.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "42")
    expect(shown).to_contain_text(f"epoch 2 of {job.total_epochs}")
    expect(shown).to_contain_text(re.compile("about (9|10) min left"))
    expect(age(shown)).to_have_text(FRESH)
    with transaction() as session:
        job_runs.fail(session, SystemActor("worker"), job.id, 1, "The disk is full.")
    expect(shown.locator("[data-status=failed]")).to_be_visible()
    expect(shown).to_contain_text("The disk is full.")
    expect(age(shown)).to_have_text(re.compile("^ended "))


def test_an_edge_server_says_itself_what_it_runs(
    phone: Page, ada: Person, edge: EdgeServer, version: AiModelVersion
) -> None:
    phone.goto("/status")
    is_live(phone)
    shown = card(phone, "edge", edge.id)
    expect(shown).to_contain_text("Nothing loaded")
    ordered = order(ada, edge, version)
    expect(shown.get_by_test_id("ordered")).to_contain_text("meter_digits 1.1.0")
    expect(shown.locator("[data-status=downloading]")).to_be_visible()
    beat(edge, version)
    expect(shown.get_by_test_id("digest-verdict")).to_have_attribute("data-verdict", "same")
    with transaction() as session:
        row = session.get_one(ModelDeployment, ordered.id)
        row.status, row.progress_percent, row.completed_at = DeploymentStatus.COMPLETED, 100, utcnow()
        deployments.changed(session, row)
    expect(shown.get_by_test_id("ordered")).to_have_count(0)
    beat(edge, version, digest="0" * 64)
    expect(shown).to_contain_text("not what was released")


def test_what_is_stale_says_so_without_being_asked_again(phone: Page, ada: Person, edge: EdgeServer) -> None:
    silent = utcnow() - timedelta(minutes=3)
    job = make_job(ada, make_dataset(ada), JobStatus.RUNNING, heartbeat_at=silent, updated_at=silent, name="silent")
    phone.goto("/status")
    shown = age(card(phone, "job", job.id))
    expect(shown).to_have_text("Stale: last heard 3 min ago")
    expect(shown).to_have_attribute("data-stale", "yes")
    # A fact grows old in the browser: nothing new comes for it.
    beat(edge)
    fresh = age(card(phone, "edge", edge.id))
    expect(fresh).to_have_attribute("data-stale", "no")
    expect(fresh).to_have_attribute("data-stale", "yes", timeout=30_000)
    expect(fresh).to_contain_text("Stale: last heard")


def test_ages_do_not_depend_on_the_clock_of_the_phone(phone: Page, edge: EdgeServer) -> None:
    phone.add_init_script("const real = Date.now; Date.now = () => real() + 3600000;")
    phone.goto("/status")
    is_live(phone)
    beat(edge)
    expect(age(card(phone, "edge", edge.id))).to_have_text(FRESH)


def test_a_lost_connection_is_said_and_comes_back(
    phone: Page, watched: Watched, context: BrowserContext, edge: EdgeServer
) -> None:
    phone.goto("/status")
    is_live(phone)
    context.set_offline(True)
    expect(phone.get_by_test_id("live-mark")).to_have_text("Reconnecting")
    beat(edge)
    context.set_offline(False)
    is_live(phone)
    expect(age(card(phone, "edge", edge.id))).to_have_text(FRESH)
    watched.faults[:] = [fault for fault in watched.faults if "ERR_INTERNET_DISCONNECTED" not in fault]


def test_the_parts_are_chosen_by_a_touch_and_every_target_is_large(phone: Page, job: TrainingJob) -> None:
    phone.goto("/status")
    expect(phone.get_by_test_id("job-card").first).to_be_visible()
    phone.get_by_test_id("switch-show-edges").tap()
    expect(phone.get_by_test_id("status-jobs")).to_be_hidden()
    expect(phone.get_by_test_id("status-edges")).to_be_visible()
    phone.get_by_test_id("switch-show-jobs").tap()
    expect(phone.get_by_test_id("status-edges")).to_be_hidden()
    for target in phone.locator(".ty-switch-choice, .ty-status-card >> visible=true").all():
        box = target.bounding_box()
        assert box
        assert box["height"] >= TOUCH


def test_it_is_one_touch_away_on_a_phone(phone: Page, job: TrainingJob) -> None:
    phone.goto("/")
    phone.get_by_test_id("pinned-status").tap()
    expect(phone.locator("h1")).to_have_text("Status")
    phone.get_by_test_id("job-card").first.tap()
    expect(phone).to_have_url(re.compile("/jobs/"))


def test_nothing_is_wider_than_the_phone(phone: Page, ada: Person, version: AiModelVersion) -> None:
    make_job(ada, make_dataset(ada, ai_module=LONG[:60]), JobStatus.QUEUED, name=LONG)
    wide = make_edge(ada, LONG, site=LONG, last_error=LONG * 3)
    order(ada, wide, make_version("10.20.30", ai_module=LONG[:60]))
    beat(wide, version)
    phone.goto("/status")
    expect(card(phone, "edge", wide.id)).to_contain_text("10.20.30")
    for part in ("all", "jobs", "edges"):
        phone.get_by_test_id(f"switch-show-{part}").tap()
        assert phone.evaluate("document.documentElement.scrollWidth") <= WIDTH, part


def test_an_organization_admin_sees_the_own_yard_only(
    context: BrowserContext, page: Page, web_url: str, ada: Person, job: TrainingJob
) -> None:
    own, other = (people.make_organization(f"{name} Ltd", Plan.ENTERPRISE) for name in ("Own", "Other"))
    mine = make_edge(ada, "edge-own", organization_id=own, last_heartbeat_at=utcnow())
    theirs = make_edge(ada, "edge-other", organization_id=other, last_heartbeat_at=utcnow())
    eve = people.make_person("Eve", Role.ORGANIZATION_ADMIN, organization_id=own, plan=Plan.ENTERPRISE)
    sign_in(context, eve, web_url)
    page.goto("/status")
    expect(card(page, "edge", mine.id)).to_be_visible()
    expect(card(page, "edge", theirs.id)).to_have_count(0)


def test_a_professional_admin_is_told_why_it_is_closed(
    context: BrowserContext, page: Page, web_url: str, ada: Person
) -> None:
    organization = people.make_organization("Professional Ltd", Plan.PROFESSIONAL)
    pat = people.make_person("Pat", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.PROFESSIONAL)
    sign_in(context, pat, web_url)
    page.goto("/status")
    expect(page.get_by_text("part of the Enterprise plan")).to_be_visible()
    expect(page.get_by_test_id("status-jobs")).to_have_count(0)
