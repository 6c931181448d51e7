"""The verb of every entity that has files: `Task.objects.filter(…).download("out/")`."""

from __future__ import annotations

import logging

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, TypeAlias, TypeVar

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import FilesManagerTwins
from synapse.downloads import FileCache, RemoteFile, WantedFile, download_files
from synapse.errors import MappingError, QueryError, TransferError, describe, did_you_mean
from synapse.orm import Manager, arguments
from synapse.query import FetchMode
from synapse.transfer import ProgressLike

if TYPE_CHECKING:
    from synapse.downloads import Downloads
    from synapse.orm import Entity, Rows

E = TypeVar("E", bound="Entity")

Convert: TypeAlias = Callable[[str], str]

_FIRST: Final = 100  # rows after which it is told that nothing was found so far

logger: Final = logging.getLogger("synapse")


class FilesManager(FilesManagerTwins, Manager[E]):
    """Queries of rows that have files, and their download."""

    _file_fields: ClassVar[tuple[str, ...]] = ("files",)
    _facts: ClassVar[tuple[str, ...]] = ()
    """Fields that tell what a file is held against."""

    def only(self, *names: str) -> Self:
        """Fetch these fields only, and with a file what it is held against; the others load when read."""
        files = _are_names(names) and not {*names}.isdisjoint(self._file_fields)
        return super().only(*names, *(self._facts if files else ()))

    def defer(self, *names: str) -> Self:
        """Leave these fields out, but for what a file that is fetched is held against; they load when read."""
        if not _are_names(names):
            return super().defer(*names)  # which refuses them
        files = [name for name in self._file_fields if name not in names]
        dropped = [name for name in names if not (files and name in self._facts)]
        return super().defer(*dropped) if dropped or not names else self._evolve()

    @sends
    def download(
        self,
        folder: str | PathLike[str],
        *,
        workers: int | None = None,
        progress: ProgressLike = None,
        fields: Iterable[str] | None = None,
        specifications: Iterable[str] | None = None,
        overwrite: bool = False,
        on_error: Literal["collect", "raise"] = "collect",
        url_conversion: Mapping[str, Convert] | None = None,
        cache: FileCache | None = None,
        original_paths: bool = False,
    ) -> Downloads:
        """Download the files of every row, side by side, and report on each file in order.

        A file goes to `folder/<specification>/<key>_<name>`, one that its row has only one of to
        `folder/<key>_<name>`; files of one row share the stem of the primary one, so that `collection.upload(folder)`
        makes the same units of them. With *original_paths* it goes to `folder/<path>`, by the path that it was uploaded
        under. What is there is not fetched again, so a second run fetches what is missing; a
        file that differs is a failure unless `overwrite`. *specifications* keeps the files of these names, *fields*
        chooses where a row has several fields of files, *url_conversion* rewrites the addresses of a field: `{"files":
        call}`. One bad file or row never stops the rest; with `on_error="raise"` the first one ends the run with a
        `BulkError`, and so does, always, a full disk or a line that stays dead. A folder holds the files of one kind of
        rows of one backend.
        """
        what = f"{self.entity.__name__}.objects.download"
        chosen = self._chosen(what, fields)
        convert = _conversions(what, url_conversion, fields=chosen)
        names = (
            None if specifications is None else arguments.texts(f"{what}(specifications=...)", specifications)
        )
        return download_files(
            self.session,
            self._wanted(chosen, convert, names=names),
            folder=folder,
            workers=workers,
            progress=progress,
            overwrite=overwrite,
            on_error=on_error,
            cache=cache,
            rows=self.entity._schema.entity,
            original_paths=original_paths,
        )

    def _chosen(self, what: str, fields: Iterable[str] | None) -> tuple[str, ...]:
        if fields is None:
            return self._file_fields[:1]
        given = arguments.texts(f"{what}(fields=...)", fields)
        for name in given:
            _check_name(f"{what}(fields=...)", name, known=self._file_fields)
        return tuple(dict.fromkeys(given))

    def _wanted(
        self, fields: tuple[str, ...], convert: Mapping[str, Convert], *, names: list[str] | None
    ) -> Iterator[WantedFile]:
        """Read the rows page by page, with nothing but their files, and give each file."""
        asked = self.only(*fields)._evolve(expand=(), prefetch=(), mode=FetchMode.PEERS)
        met = dict[str, None]()
        for number, row in enumerate(_each(asked.iterator()), 1):
            if isinstance(row, MappingError):
                yield WantedFile(row.key, "", error=row)
                continue
            for field in fields:
                for wanted in self._files_of(row, field, convert.get(field, str)):
                    if wanted.error is None:
                        met[wanted.specification] = None
                    if names is None or wanted.specification in names or wanted.error is not None:
                        yield wanted
            if number == _FIRST and names and _lacking(names, met) == names:
                logger.warning("%s so far, after %d rows; reading on", _no_row(names, met), number)
        lacking = _lacking(names, met)
        if lacking and lacking == names:
            raise QueryError(f"{self.entity.__name__}.objects.download: {_no_row(lacking, met)}")
        if lacking:
            logger.warning("%s", _no_row(lacking, met))

    def _files_of(self, row: E, field: str, convert: Convert) -> Iterator[WantedFile]:
        try:
            held = getattr(row, field)
        except MappingError as error:
            yield WantedFile(row.pk, "", error=error)
            return
        shared_name = _speaking(held) if isinstance(held, dict) else ""
        for name, file in held.items() if isinstance(held, dict) else [("", held)]:
            if file is None:
                continue
            try:
                found = _converted(file, convert)
            except Exception as error:
                yield WantedFile(row.pk, name, error=error)
            else:
                renew = self._renewal(row.pk, field, name=name, convert=convert)
                yield WantedFile(row.pk, name, found, renew=renew, shared_name=shared_name)

    def _renewal(
        self, pk: Any, field: str, *, name: str, convert: Convert
    ) -> Callable[[], RemoteFile | None]:
        session = self.session

        def renew() -> RemoteFile | None:
            row = self.entity.objects.using(session).get(pk)
            held = getattr(row, field)
            file = held.get(name) if isinstance(held, dict) else held
            return None if file is None else _converted(file, convert)

        return renew


def _are_names(given: Iterable[object]) -> bool:
    """Whether all are text; an array is not even to be compared with a name."""
    return all(isinstance(each, str) for each in given)


def _speaking(files: Mapping[str, RemoteFile | None]) -> str:
    """Give the name of the file that the files of a row are called by: the primary one, else always the same one."""
    there = {name: file for name, file in files.items() if file is not None}
    primary = [file.name for file in there.values() if file.is_primary]
    return (primary or [there[name].name for name in sorted(there)] or [""])[0]


def _converted(file: RemoteFile, convert: Convert) -> RemoteFile:
    return file if convert is str else file.with_url(convert(file.url))


def _lacking(names: list[str] | None, met: Mapping[str, None]) -> list[str]:
    """Give the names that no file had; none where there was no file, or none was asked for by name."""
    return [name for name in names if name not in met] if names and met else []


def _no_row(names: list[str], met: Mapping[str, None]) -> str:
    [name, *_] = names
    known = [each for each in met if each]
    told = f", only {', '.join(map(repr, known))}" if known else ": these files have no names"
    return f"no row has a file {name!r}{did_you_mean(name, known)}{told}"


def _each(rows: Rows[E]) -> Iterator[E | MappingError]:
    """Give rows, and in the place of one that does not fit its error."""
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except MappingError as error:
            if error.row is None:
                raise
            yield error


def _conversions(what: str, given: object, *, fields: tuple[str, ...]) -> Mapping[str, Convert]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise QueryError(f"{what}(url_conversion=...) takes {{field: call}}, got {describe(given)}")
    for name, convert in given.items():
        _check_name(f"{what}(url_conversion=...)", name, known=fields)
        if not callable(convert):
            raise TransferError(
                f"{what}(url_conversion=...) maps {name!r} to {describe(convert)}, not to a call that takes an address"
            )
    return given


def _check_name(what: str, name: object, *, known: tuple[str, ...]) -> None:
    if name not in known:
        hint = did_you_mean(str(name), known)
        raise QueryError(f"{what}: no field of files is called {name!r}{hint}, only {', '.join(known)}")
