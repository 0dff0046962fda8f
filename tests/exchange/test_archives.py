"""Archives of strangers are opened safely: bad ones are refused whole, and nothing is written outside."""

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from app.errors import Invalid
from app.exchange.archives import Limits, pack, unpack
from app.formats.records import Fault
from tests.support.images import png

LIMITS = Limits(files=50, total_bytes=60_000_000)


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def opened(archive: Path, into: Path, limits: Limits = LIMITS) -> tuple[Path, list[Fault]]:
    faults: list[Fault] = []
    return unpack(archive, into, limits, faults.append, lambda: None), faults


def files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/etc/out.png", "..\\out.png", "C:\\out.png"])
def test_names_that_lead_outside_are_refused_whole(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {name: png()})
    with pytest.raises(Invalid, match="lies outside"):
        opened(archive, tmp_path / "in")
    assert files(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png"])
def test_tar_names_that_lead_outside_are_refused_too(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(png())
        archive.addfile(info, io.BytesIO(png()))
    with pytest.raises(Invalid, match="lies outside"):
        opened(tmp_path / "a.tar.gz", tmp_path / "in")


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (
            ("link.png", tarfile.SYMTYPE),
            ("hard.png", tarfile.LNKTYPE),
            ("pipe.png", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    root, faults = opened(tmp_path / "a.tar", tmp_path / "in")
    assert (files(root), [fault.kind for fault in faults]) == ([], ["link"] * 3)


def test_a_link_in_a_zip_is_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    root, faults = opened(tmp_path / "a.zip", tmp_path / "in")
    assert (files(root), [fault.kind for fault in faults]) == ([], ["link"])


def test_a_bomb_is_refused_while_it_unpacks(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.json": b"\0" * 50_000_000})
    with pytest.raises(Invalid, match="200 times its size"):
        opened(archive, tmp_path / "in")
    assert sum(path.stat().st_size for path in (tmp_path / "in").rglob("*") if path.is_file()) < 20_000_000


def test_more_bytes_or_files_than_allowed_are_refused(tmp_path: Path) -> None:
    large = zipped(tmp_path / "large.zip", {"a.txt": os.urandom(3000)})
    with pytest.raises(Invalid, match="2,000 bytes allowed"):
        opened(large, tmp_path / "in", Limits(files=5, total_bytes=2000))
    many = zipped(tmp_path / "many.zip", {f"{n}.txt": b"x" for n in range(6)})
    with pytest.raises(Invalid, match="5 files allowed"):
        opened(many, tmp_path / "in2", Limits(files=5, total_bytes=2000))


def test_what_no_dataset_needs_and_archives_inside_are_not_unpacked(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.png": png()}).read_bytes()
    content = {"d/a.png": png(), "d/run.sh": b"#!", "d/inner.zip": inner, "__MACOSX/d/._a.png": b"x", "d/.x.png": b"x"}
    root, faults = opened(zipped(tmp_path / "a.zip", content), tmp_path / "in")
    assert files(root) == ["d/a.png"]
    assert [(fault.kind, fault.file) for fault in faults] == [("nested", "d/inner.zip")]


def test_a_name_that_stands_twice_keeps_the_first(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", "second")
    root, faults = opened(tmp_path / "a.zip", tmp_path / "in")
    assert ((root / "a.txt").read_text(), [fault.kind for fault in faults]) == ("first", ["twice"])


def test_the_one_folder_that_holds_everything_is_the_dataset(tmp_path: Path) -> None:
    root, _ = opened(zipped(tmp_path / "a.zip", {"x/cat/1.png": png(), "x/dog/2.png": png(1)}), tmp_path / "in")
    assert files(root) == ["cat/1.png", "dog/2.png"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Invalid):
        opened(tmp_path / "a.zip", tmp_path / "in")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"a.png": os.urandom(5000)}).read_bytes())
    data[100:200] = bytes(100)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(Invalid, match="damaged"):
        opened(tmp_path / "a.zip", tmp_path / "in")


def test_a_protected_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", {"a.png": png()}).read_bytes())
    data[6] |= 1  # the flag in the file's own header
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(Invalid, match="password"):
        opened(tmp_path / "a.zip", tmp_path / "in")


def test_what_was_packed_is_unpacked_the_same(tmp_path: Path) -> None:
    (tmp_path / "out/images").mkdir(parents=True)
    (tmp_path / "out/images/a.png").write_bytes(png())
    (tmp_path / "out/a.json").write_text("{}")
    pack(tmp_path / "out", tmp_path / "a.zip", lambda: None)
    root, _ = opened(tmp_path / "a.zip", tmp_path / "in")
    assert files(root) == ["a.json", "images/a.png"]
    assert (root / "images/a.png").read_bytes() == png()
