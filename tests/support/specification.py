"""The customer's 25 endpoints, as the specification writes them."""

import re

ENDPOINTS = """
    GET    /api/v1/training/datasets
    GET    /api/v1/training/datasets/:id
    POST   /api/v1/training/datasets
    PUT    /api/v1/training/datasets/:id
    DELETE /api/v1/training/datasets/:id
    GET    /api/v1/training/datasets/:id/samples
    POST   /api/v1/training/datasets/:id/samples
    PUT    /api/v1/training/datasets/:id/samples/:sampleId
    DELETE /api/v1/training/datasets/:id/samples/:sampleId
    POST   /api/v1/training/datasets/:id/samples/:sampleId/verify
    GET    /api/v1/training/jobs
    GET    /api/v1/training/jobs/:id
    POST   /api/v1/training/jobs
    POST   /api/v1/training/jobs/:id/cancel
    GET    /api/v1/training/jobs/:id/logs
    GET    /api/v1/training/models
    GET    /api/v1/training/models/:id
    PUT    /api/v1/training/models/:id
    POST   /api/v1/training/models/:id/approve
    POST   /api/v1/training/models/:id/release
    POST   /api/v1/training/models/:id/deprecate
    GET    /api/v1/training/models/:id/deployments
    POST   /api/v1/training/models/:id/deploy
    POST   /api/v1/training/models/:id/deploy-all
    POST   /api/v1/training/deployments/:id/retry
"""


def specified() -> dict[str, set[str]]:
    """Path with `{}` for every parameter → methods."""
    found: dict[str, set[str]] = {}
    for line in ENDPOINTS.strip().splitlines():
        method, path = line.split()
        found.setdefault(re.sub(r":\w+", "{}", path), set()).add(method)
    return found
