"""How files reach a backend: what each API generation has to say about it, and the values it says it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import attrs

from synapse.dialects.wire import Body, Reply, Request


@attrs.frozen
class UploadTarget:
    """Where one file may be put: at one address, or in parts of `part_size` bytes at one address each."""

    key: str
    addresses: tuple[str, ...] = attrs.field(repr=False)
    part_size: int | None = None
    upload: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class StoredFile:
    """A file that was put where the backend said; `etags` are what the storage answered to its parts.

    The `checksum` is of the kind that the API takes.
    """

    target: UploadTarget
    checksum: str
    size: int
    etags: tuple[str, ...] = ()


@attrs.frozen
class Verdict:
    """What the backend says of one stored file: the key of its data file, or why there is none."""

    data_file: int | None = None
    error: str | None = None


@attrs.frozen
class ChunkedState:
    """How far an upload in chunks has come, as an answer tells: where to go on, and at which address if it says so."""

    offset: int | None = None
    url: str | None = None
    key: str | int | None = None
    is_complete: bool = False


class Uploads(Protocol):
    """The requests that send files, and what their answers say."""

    @property
    def CHECKSUM(self) -> Literal["md5", "sha1"]:
        """The kind of checksum by which files are confirmed that went to a target."""
        ...

    @property
    def THROUGH_BACKEND(self) -> bool:
        """Whether files may go through the backend, and not only to a target."""
        ...

    @property
    def MOST_FILES(self) -> int:
        """The most files whose targets one request asks for."""
        ...

    @property
    def LONGEST_NAME(self) -> int:
        """The longest name that a file may have which goes to a target."""
        ...

    @property
    def UPLOAD(self) -> str:
        """The field of a refusal that names a finished upload in chunks."""
        ...

    def data_file(self, body: Body) -> Request:
        """Upload one file whole; the same content is stored once."""
        ...

    def data_file_from(self, upload: str | int) -> Request:
        """Register a finished chunked upload as a data file."""
        ...

    def files_by_checksum(self, checksum: str) -> Request:
        """Look for a data file by its content."""
        ...

    def files(self, reply: Reply) -> list[Any]:
        """Read the rows of data files; an answer that cannot be used is a `ValueError`."""
        ...

    def files_of(self, collection: int, *, at: int | str | None = None) -> Request | None:
        """Ask for a page of the checksums of a collection's files; None where those of any files can be verified."""
        ...

    def page_of_files(self, reply: Reply, request: Request) -> tuple[list[Any], int | str | None]:
        """Read the answer to that: rows, and where the next page is; one that cannot be used is a `ValueError`."""
        ...

    def verify_checksums(self, checksums: Sequence[str]) -> Request | None:
        """Ask which of these files the backend has; None where each has to be looked for by itself."""
        ...

    def verified(self, reply: Reply) -> set[str]:
        """Read which checksums the backend has; an answer that cannot be used is a `ValueError`."""
        ...

    def chunk(self, body: Body, *, start: int, size: int, total: int, url: str | None) -> Request:
        """Send one chunk of *size* bytes at *start*; *url* is the upload's own, from the answer to its first chunk."""
        ...

    def complete(self, url: str | None, md5: str) -> Request:
        """Close a chunked upload."""
        ...

    def upload_state(self, url: str) -> Request:
        """Ask how far a chunked upload has come."""
        ...

    def chunked_state(self, answer: Mapping[str, Any]) -> ChunkedState:
        """Read how far a chunked upload has come, off the answer to any request about it, a refusal included."""
        ...

    def ask_targets(
        self, files: Iterable[tuple[str, int, str | None]], *, seconds: int, collection: int | None = None
    ) -> Request:
        """Ask where files may be put, each given by its name, size and content type.

        *collection* is the one that they are for, where they are for one.
        """
        ...

    def targets(self, reply: Reply, sizes: Sequence[int]) -> list[UploadTarget]:
        """Read where files of these sizes may be put; an answer that cannot be used is a `ValueError`."""
        ...

    def confirm(self, files: Iterable[StoredFile], *, collection: int | None = None) -> Request:
        """Tell that files are in their places; telling it again changes nothing."""
        ...

    def verdicts(self, reply: Reply) -> dict[str, Verdict]:
        """Read what the backend says of each file, by the key of its target; what cannot be read is left out."""
        ...
