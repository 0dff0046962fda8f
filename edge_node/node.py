"""Puts the node together and serves until it is told to stop."""

import functools
import logging
import socket
from pathlib import Path

import uvicorn  # type: ignore[import-not-found]  # the edge's own dependency

from edge_node import __version__
from edge_node.agent import Agent, Patience
from edge_node.cloud import HttpCloud
from edge_node.config import Settings
from edge_node.download import Downloader, DownloadLimits
from edge_node.enrolment import Enrolment
from edge_node.identity import EdgeAuth, Identity
from edge_node.installer import Installer, Load
from edge_node.model import Models, load_model, runtime_name
from edge_node.server import LocalApi, make_app
from edge_node.status import NodeStatus
from edge_node.store import Store, load_from_disk
from edge_node.trust import NodeFacts, Trust

logger = logging.getLogger(__name__)


def serve(settings: Settings, enrolment: Enrolment, key: Path, trust_folder: Path, listener: socket.socket) -> None:
    """Load what is installed, without any network, then answer on `listener` and keep in touch with the cloud."""
    cloud = HttpCloud(
        enrolment.cloud_url, EdgeAuth(Identity.load(key), enrolment.edge_server_id), settings.request_timeout_seconds
    )
    limits = DownloadLimits(settings.max_bundle_bytes, settings.min_free_bytes, settings.request_timeout_seconds)
    load = functools.partial(load_model, threads=settings.intra_op_threads, max_pixels=settings.max_image_pixels)
    store, models, status = Store(settings.data), Models(), NodeStatus()
    facts = NodeFacts(enrolment.organization_id, enrolment.platform, __version__)
    trust = Trust(trust_folder, enrolment.root_sha256, facts, cloud)
    downloader = Downloader(limits, stopping=lambda: agent.stopping)
    installer = Installer(cloud, trust, downloader, store, models, status, load)
    patience = Patience(settings.retry_seconds, settings.retry_limit_seconds, settings.download_attempts)
    agent = Agent(cloud, installer, models, status, patience, enrolment.platform)

    load_installed(store, models, status, load)
    app = make_app(LocalApi(settings, enrolment, models, status), agent)
    host, port = listener.getsockname()[:2]
    logger.info("%s %s (%s) listens on http://%s:%d", enrolment.name, __version__, runtime_name(), host, port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, log_level="warning", limit_concurrency=64, timeout_keep_alive=15,
        timeout_graceful_shutdown=5, server_header=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])
    cloud.close()
    downloader.close()


def load_installed(store: Store, models: Models, status: NodeStatus, load: Load) -> None:
    """Bring back the models of the last run; a damaged one is replaced by its predecessor, and said so."""
    problems: list[str] = []
    for ai_module in store.modules():
        model, problem = load_from_disk(store, ai_module, load)
        if model is not None:
            models.put(model)
            logger.info("%s/%s is serving (%s)", ai_module, model.version, model.bundle_sha256[:12])
        if problem is not None:
            logger.error("%s", problem)
            problems.append(problem)
    if problems:
        status.last_error = " ".join(problems)
