"""From keys to an edge that accepts: the way everything is meant to go."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.distribution import metadata, publishing
from app.distribution.tuf_types import Snapshot, Timestamp
from app.distribution.verify import verify_repository
from tests.distribution.world import World, entry, updater


@pytest.fixture
def world() -> World:
    return World()


def test_edge_accepts_what_was_approved_and_released(world: World, tmp_path: Path) -> None:
    one = entry("1.0.0")
    world.approve(one)
    world.publish()
    info = updater(tmp_path, world.roots[0], world.served).get_targetinfo(one.path)
    assert info is not None
    assert (info.length, info.hashes, info.custom) == (one.length, {"sha256": one.sha256}, one.custom)


def test_edge_follows_a_second_approval_by_another_approver(world: World, tmp_path: Path) -> None:
    one, two = entry("1.0.0"), entry("1.1.0")
    world.approve(one, by=world.ann)
    world.publish()
    updater(tmp_path, world.roots[0], world.served).refresh()
    world.approve(two, by=world.bob)
    world.publish()
    client = updater(tmp_path, world.roots[0], world.served)
    assert client.get_targetinfo(one.path)
    assert client.get_targetinfo(two.path)


def test_verify_repository_names_what_is_approved_and_by_whom(world: World) -> None:
    world.approve(entry("1.0.0"))
    world.publish()
    assert world.timestamp
    assert world.snapshot
    assert world.targets
    found = verify_repository(world.roots, world.timestamp, world.snapshot, world.targets, now=world.now)
    assert dict(found.approved) == {entry("1.0.0").path: entry("1.0.0")}
    assert found.approved_by == (world.ann.keyid,)
    assert found.valid_until == world.now + publishing.TIMESTAMP_LIFE


def test_releasing_twice_changes_nothing(world: World) -> None:
    world.approve(entry("1.0.0"))
    world.publish()
    first = (world.snapshot, world.timestamp)
    world.publish()
    assert (world.snapshot, world.timestamp) == first


def test_versions_rise_by_one_with_each_release(world: World) -> None:
    for number, version in enumerate(("1.0.0", "1.1.0", "1.2.0"), start=1):
        world.approve(entry(version))
        world.publish()
        assert world.snapshot
        assert world.timestamp
        assert metadata.load(Snapshot, world.snapshot).signed.version == number
        assert metadata.load(Timestamp, world.timestamp).signed.version == number


def test_refresh_keeps_the_repository_alive_long_after_the_first_expiry(world: World) -> None:
    world.approve(entry("1.0.0"))
    world.publish()
    assert world.snapshot
    assert world.timestamp
    assert world.targets
    for day in range(1, 100):
        world.now += timedelta(days=1)
        world.snapshot, world.timestamp = publishing.refresh_timestamp(
            world.root, world.snapshot, world.timestamp, world.online, world.now
        )
        found = verify_repository(world.roots, world.timestamp, world.snapshot, world.targets, now=world.now)
        assert found.valid_until - world.now > timedelta(days=3), f"day {day}"
    assert found.snapshot_version < 10
    assert found.timestamp_version < 40
