"""How an edge server is doing follows from the age of its last heartbeat, to the second."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.edge_health import EdgeHealth, edge_health

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "health"),
    [
        (0, EdgeHealth.OK),
        (15, EdgeHealth.OK),
        (15.001, EdgeHealth.LATE),
        (60, EdgeHealth.LATE),
        (60.001, EdgeHealth.OFFLINE),
        (864_000, EdgeHealth.OFFLINE),
        (-5, EdgeHealth.OK),
    ],
)
def test_health_at_an_interval_of_five_seconds(age: float, health: EdgeHealth) -> None:
    assert edge_health(NOW - timedelta(seconds=age), NOW, 5) is health


def test_thresholds_grow_with_the_interval() -> None:
    seen = NOW - timedelta(seconds=100)
    assert [edge_health(seen, NOW, interval) for interval in (60, 10, 5)] == [
        EdgeHealth.OK,
        EdgeHealth.LATE,
        EdgeHealth.OFFLINE,
    ]


def test_server_that_never_called_is_not_offline() -> None:
    assert edge_health(None, NOW, 5) is EdgeHealth.NEVER
