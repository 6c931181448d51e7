"""What shows that a file is certainly not what it should be."""

from __future__ import annotations

import json

from collections.abc import Callable
from pathlib import Path

import pytest

from synapse.errors import MappingError, TransferError
from synapse.transfer.local_file import LocalFile
from synapse.uploads.file_types import Spec, check_file, check_file_for

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
SVG = b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"><text>Error</text></svg>'
Write = Callable[[str, bytes], LocalFile]

CERTAIN = {
    "empty": b"",
    "LFS": LFS,
    "page": b"<!DOCTYPE html><html><title>Sign in</title></html>",
    "page in capitals": b"\n\n<HTML lang=en>",
    "page with a mark": b"\xef\xbb\xbf<!doctype html>",
    "page in UTF-16": "<!DOCTYPE html>".encode("utf-16"),
    "page after a comment": b"<!-- cached -->\n<html>",
    "page in XML": b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
    "S3": b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
    "WMS": b"<ServiceExceptionReport><ServiceException/></ServiceExceptionReport>",
    "OWS": b'<ows:ExceptionReport version="1.0">',
    "SOAP": b"<soap:Envelope><soap:Body><soap:Fault>",
    "DRF": b'{"detail": "Authentication credentials were not provided."}',
    "GitHub": b'{"message": "Not Found", "documentation_url": "https://docs.github.com"}',
    "Google": json.dumps({"error": {"code": 404, "message": "x"}}, indent=2).encode(),
    "list": b'[{"errorCode": "NOT_FOUND"}]',
    "status": b'{"status": 503}',
    "success": b' {"success": false}',
}
POSSIBLE = {
    "text": b"a.png",
    "one byte": b"\0",
    "SVG": SVG,
    "zeros": bytes(600),
    "raw cloud": bytes(range(256)) * 8,
    "angle": b"<a",
    "JSON that is none": b'{"detail',
    "JSON of something": b'{"v": "5.7.4", "layers": []}',
    "status that is none": b'{"status": "ok", "code": 7}',
    "number": b"12",
    "list of numbers": b"[1, 2]",
    "mentions": b"x <!doctype html>",
    "DICOM": bytes(128) + b"DICM",
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and look at it."""

    def written(name: str, content: bytes) -> LocalFile:
        (tmp_path / name).write_bytes(content)
        return LocalFile.of(tmp_path / name)

    return written


@pytest.mark.combinations("kind, name", ["image", "video", "audio", "pcd"], CERTAIN)
def test_what_is_certain_is_refused(write: Write, kind: str, name: str) -> None:
    """For every kind of media, with the way past it."""
    with pytest.raises(TransferError, match=f"m_1 takes {kind} files: it was not sent. check_content=False"):
        check_file_for(write("scan", CERTAIN[name]), Spec("m_1", kind))


@pytest.mark.combinations("kind, name", ["image", "video", "audio", "pcd"], POSSIBLE)
def test_what_is_possible_is_not(write: Write, kind: str, name: str) -> None:
    """No sign is no proof: raw clouds, SVG, DICOM, and whatever a test sends."""
    check_file_for(write("scan", POSSIBLE[name]), Spec("m_1", kind))


@pytest.mark.parametrize("name", [name for name in CERTAIN if name != "LFS"])
@pytest.mark.parametrize("kind", ["text", "data", "lidar"])
def test_text_and_data_may_be_anything(write: Write, kind: str, name: str) -> None:
    """Empty ones, pages, errors that somebody collects."""
    check_file_for(write("scan", CERTAIN[name]), Spec("m_1", kind))


@pytest.mark.parametrize("kind", ["text", "data", "lidar", "image"])
def test_a_pointer_is_never_the_file(write: Write, kind: str) -> None:
    """A clone without `git lfs pull` has labels of this kind, too."""
    with pytest.raises(TransferError, match="is a Git LFS pointer .*git lfs pull"):
        check_file_for(write("a", LFS), Spec("m_1", kind))


@pytest.mark.parametrize(
    ("kind", "name", "fits"),
    [
        ("image", "r.md", False),
        ("image", "a.mp4", False),
        ("pcd", "a.jpg", False),
        ("pcd", "000001.bin", True),
        ("image", "SCAN0001", True),
        ("image", "a.nii", True),
        ("image", "a.py", True),
        ("data", "a.jpg", True),
        ("lidar", "a.jpg", True),
    ],
)
def test_a_name_may_say_something_else(write: Write, kind: str, name: str, fits: bool) -> None:
    """What a name tells counts; one that tells nothing may be anything."""
    source = write(name, b"x")
    if fits:
        check_file_for(source, Spec("m_1", kind))
        return
    with pytest.raises(MappingError, match=f"by its name, and m_1 takes {kind} files: it was not sent"):
        check_file_for(source, Spec("m_1", kind))


@pytest.mark.parametrize(
    ("name", "content", "fits"),
    [
        ("a.png", b"", False),
        ("a.png", CERTAIN["page"], False),
        ("a.wav", CERTAIN["S3"], False),
        ("a.json", CERTAIN["DRF"], True),
        ("a.html", CERTAIN["page"], True),
        ("a.txt", b"", True),
        ("a.bin", b"", True),
        ("a", b"", True),
        ("weights.pt", LFS, False),
    ],
)
def test_a_file_alone_is_what_its_name_says(write: Write, name: str, content: bytes, fits: bool) -> None:
    """Where no specification asks for it."""
    source = write(name, content)
    if fits:
        check_file(source)
        return
    with pytest.raises(TransferError, match="it was not sent"):
        check_file(source)


def test_a_large_file_is_not_read_for_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that begins like an error, of a size that none has, is what it is."""
    source = write("a.png", b'{"error": "' + b"x" * 70_000 + b'"}')
    monkeypatch.setattr(LocalFile, "blocks", lambda *_: pytest.fail("read"))

    check_file(source)
