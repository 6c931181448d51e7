"""What a user does with one file, each with a look at what really came of it."""

from __future__ import annotations

import itertools
import math
import os
import zipfile

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from synapse import DataFile, Model, Plugin, Session, SynapseError, TransportError
from synapse.errors import may_have_happened
from synapse.uploads import upload_file
from tests.faults.conftest import MakeFile, Place, md5
from tests.faults.hostile import MIDDLE, Proxy, reset

Side = Literal["request", "answer"]

NUMBERS: Final = itertools.count(1)
CHUNK: Final = 1000


@attrs.frozen
class Deed:
    """A call of the public API on one file, and the MD5s of what the backend has of it since."""

    do: Callable[[Path], Any]
    had: Callable[[Path], list[str]]

    def tried(self, path: Path) -> SynapseError | None:
        """Do it, and return the error that it ended with; one that is not ours goes through."""
        try:
            self.do(path)
        except SynapseError as error:
            return error
        return None


def archive(path: Path, *, size: int = 3000) -> Path:
    """Write a zip archive of content that no other has."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.yaml", os.urandom(size))
    return path


def upload(place: Place, session: Session) -> Deed:
    """Upload a file by one request."""
    return Deed(DataFile.objects.using(session).upload, lambda path: place.stored(md5(path)))


def chunks(place: Place, session: Session) -> Deed:
    """Upload a file in several chunks."""
    return Deed(
        lambda path: upload_file(session, path, chunked=True, chunk_size=CHUNK),
        lambda path: place.stored(md5(path)),
    )


def add(place: Place, session: Session) -> Deed:
    """Upload a file and make a unit of it."""
    return Deed(place.collection_of(session).add, lambda path: place.contents)


def items(place: Place, session: Session) -> Deed:
    """Upload an item with its unit and its task; what its outcome says is raised."""

    collection = place.collection_of(session)

    def do(path: Path) -> None:
        report = collection.upload([path], project=place.project)
        for outcome in report:
            if outcome.error is not None:
                raise outcome.error

    return Deed(do, lambda path: place.assigned)


def model(place: Place, session: Session) -> Deed:
    """Create a model of an archive."""
    name = f"model {next(NUMBERS)}"

    def had(path: Path) -> list[str]:
        return [place.md5_at(row["file"]) for row in place.rows("models/?ordering=id") if row["name"] == name]

    return Deed(lambda path: Model.objects.using(session).create(name=name, file=path), had)


def release(place: Place, session: Session) -> Deed:
    """Publish an archive as a plugin release."""
    code = f"plugin-{next(NUMBERS)}-{place.project}"
    made = place.wire.create("plugins/", {"code": code, "name": code, "category": "custom"})
    plugin = Plugin.objects.using(session).get(made["id"])

    def had(path: Path) -> list[str]:
        return [place.md5_at(row["file"]) for row in place.rows(f"plugin_releases/?plugin={made['id']}")]

    return Deed(lambda path: plugin.release("1.0.0", path), had)


def check(deed: Deed, path: Path, *, error: Exception | None) -> None:
    """Hold what a deed said against what the backend has: the whole file once, or nothing, or one of the two."""
    had = deed.had(path)
    assert set(had) <= {md5(path)}
    if error is None:
        assert 1 == len(had)
    elif may_have_happened(error):
        assert len(had) <= 1
    else:
        assert 0 == len(had), f"{error!r}, and yet it is there"


MakeDeed = Callable[[Place, Session], Deed]

# What each of them sends, in order.
REQUESTS: Final[dict[MakeDeed, tuple[str, ...]]] = {
    upload: ("POST /data_files/$",),
    chunks: (
        "PUT /chunked_upload/$",
        "PUT /chunked_upload/.",
        "POST /chunked_upload/.",
        "POST /data_files/$",
    ),
    add: ("POST /data_files/verify", "POST /data_files/$", "POST /data_units/"),
    items: ("POST /data_files/verify", "POST /data_files/$", "POST /data_units/", "POST /tasks/"),
    model: ("PUT /chunked_upload/", "POST /chunked_upload/", "POST /models/"),
    release: ("POST /plugin_releases/",),
}
# Sending these twice makes two of them, or is refused.
ANEW: Final = (model, release)


def source(make: MakeDeed, make_file: MakeFile, *, size: int = 3000) -> Path:
    """Make a file for a deed."""
    path = make_file("source.zip", size=size)
    return archive(path, size=size) if make in ANEW else path


def once_more(make: MakeDeed, deed: Deed, path: Path) -> None:
    """Do it again where that is what the error asks for; then the file is there, and once only."""
    if not (make in ANEW and deed.had(path)):
        assert None is deed.tried(path)
    assert [md5(path)] == deed.had(path)


def reset_once(
    proxy: Proxy, make: MakeDeed, deed: Deed, path: Path, *, pattern: str, of: Side, at: float
) -> None:
    """Reset one connection: the call ends well or tells, and once more on a good line everything is there."""
    proxy.harm(pattern, reset, of=of, at=at)
    error = deed.tried(path)
    check(deed, path, error=error)

    assert proxy.requests(pattern)
    once_more(make, deed, path)


def reset_for_ever(proxy: Proxy, make: MakeDeed, deed: Deed, path: Path, *, pattern: str, of: Side) -> None:
    """Let a request never get through: the call ends soon, with an error of the line or with what is there."""
    proxy.harm(pattern, reset, of=of, at=MIDDLE, times=math.inf)
    error = deed.tried(path)
    check(deed, path, error=error)
    assert error is None or isinstance(error, TransportError)
    assert len(proxy.received) < 40

    proxy.heal()
    once_more(make, deed, path)
