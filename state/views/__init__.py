"""Views of the services → rows of the pages: flat, JSON, bounded, already in words.

Pure functions; a page shows these fields and computes nothing. One module per noun; pages and states use this package.
"""

from state.views.datasets import (
    NO_DATASET,
    NO_SAMPLE,
    ActivityRow,
    DatasetRow,
    SampleCard,
    activity_row,
    dataset_row,
    sample_card,
    to_verify,
)
from state.views.edges import NO_EDGE, EdgeRow, LoadedRow, Site, edge_option, edge_row, loaded_row, site
from state.views.models import (
    NO_DETAILS,
    NO_VERSION,
    DeploymentLine,
    VersionDetails,
    VersionRow,
    deployment_line,
    version_details,
    version_row,
)
from state.views.status import StatusEdge, StatusJob, status_edge, status_job
from state.views.training import NO_JOB, EventRow, JobRow, event_row, job_row
from state.views.words import Option, Pair, iso, number, pairs, share, size, span

__all__ = [
    "NO_DATASET",
    "NO_DETAILS",
    "NO_EDGE",
    "NO_JOB",
    "NO_SAMPLE",
    "NO_VERSION",
    "ActivityRow",
    "DatasetRow",
    "DeploymentLine",
    "EdgeRow",
    "EventRow",
    "JobRow",
    "LoadedRow",
    "Option",
    "Pair",
    "SampleCard",
    "Site",
    "StatusEdge",
    "StatusJob",
    "VersionDetails",
    "VersionRow",
    "activity_row",
    "dataset_row",
    "deployment_line",
    "edge_option",
    "edge_row",
    "event_row",
    "iso",
    "job_row",
    "loaded_row",
    "number",
    "pairs",
    "sample_card",
    "share",
    "site",
    "size",
    "span",
    "status_edge",
    "status_job",
    "to_verify",
    "version_details",
    "version_row",
]
