"""The composition root of the web process: API, pages, guard, and what runs beside them.

The only module that knows pages and API. Granian calls `serve` as a factory (see `app/web/serving.py`).
"""

import gc
import logging
import traceback
from types import ModuleType

import reflex as rx
from reflex.event import EventSpec
from starlette.types import ASGIApp

from app.api.app import lifespan, mounted
from app.api.cookies import cookie_name
from app.api.entrance import entrance
from app.infra import metrics, tracing
from app.logs import configure_logging
from app.pages import (
    account,
    audit,
    dataset,
    dataset_add,
    dataset_classes,
    dataset_impact,
    dataset_transfers,
    dataset_versions,
    datasets,
    edge_server,
    edge_servers,
    labelling,
    model_version,
    model_versions,
    opinions,
    overview,
    people,
    quality,
    review,
    sign_in,
    status,
    training_job,
    training_jobs,
    usage,
    webhook,
    webhooks,
)
from app.settings import get_settings
from app.web.frontend import ClosedPaths, PlainAddresses, RuntimeAddress, SignInFirst
from app.web.headers import SecurityHeaders, origin
from app.web.serving import client_folder
from components.shell import app_options
from state.guard import Guard
from state.session import SessionState

log = logging.getLogger(__name__)

PAGES: tuple[ModuleType, ...] = (
    overview,
    sign_in,
    status,
    datasets,
    dataset,
    dataset_add,
    opinions,
    dataset_classes,
    review,
    dataset_transfers,
    labelling,
    dataset_versions,
    dataset_impact,
    quality,
    training_jobs,
    training_job,
    model_versions,
    model_version,
    edge_servers,
    edge_server,
    usage,
    webhooks,
    webhook,
    audit,
    people,
    account,
)


def wrapped(inner: ASGIApp) -> ASGIApp:
    """The ASGI wrappers, innermost first."""
    settings = get_settings()
    pages = PlainAddresses(inner, client=client_folder())
    addressed = RuntimeAddress(pages, client=client_folder(), https=settings.secure_cookies)
    return SecurityHeaders(
        ClosedPaths(SignInFirst(addressed, cookie_name=cookie_name())),
        client=client_folder(),
        store_origin=origin(settings.s3_browser_endpoint, secure=settings.s3_secure),
        https=settings.secure_cookies,
    )


def handler_broke(exception: Exception) -> EventSpec:
    """A fault of ours: the trace goes to the log, a plain message to the person."""
    metrics.EVENT_FAILURES.inc()
    log.error("an event handler failed:\n%s", "".join(traceback.format_exception(exception)))
    return SessionState.report_failure()


def create() -> rx.App:
    """The app with its guard, its pages and its API."""
    made = rx.App(**app_options(), api_transformer=[mounted(), wrapped], backend_exception_handler=handler_broke)
    made.add_middleware(Guard(cookie_name()), index=0)
    made.register_lifespan_task(lifespan)
    for module in PAGES:
        made.add_page(module.page(), route=module.ROUTE, title=module.TITLE, on_load=getattr(module, "ON_LOAD", None))
    return made


app = create()


def serve() -> ASGIApp:
    """The whole web process behind its door."""
    configure_logging("web")
    tracing.start("web")
    served = entrance(app())
    # 400,000 objects of pages and routes live as long as the process. To look through them for garbage held up every
    # request for a third of a second, again and again.
    gc.collect()
    gc.freeze()
    return served
