"""What a monitoring system asks of the database."""

from app.schemas.base import View


class Measured(View):
    """Numbers of this moment over the whole installation. Every status is there, also with none."""

    jobs: dict[str, int]
    deployments: dict[str, int]
    edge_servers: dict[str, int]
    audit_events_unchained: int
    webhook_deliveries_pending: int
