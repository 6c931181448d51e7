"""Every error that the SDK raises on purpose.

SynapseError
├── ClientError                  the backend answered, and refused
│   ├── AuthenticationError      401
│   ├── PermissionDeniedError    403
│   ├── NotFoundError            404        └── Task.DoesNotExist, one per entity
│   ├── ConflictError            409, and what `save(check=True)` finds
│   ├── ValidationError          400, 422
│   ├── RateLimitError           429
│   ├── ServerError              5xx; a write may have happened all the same
│   └── WriteIgnoredError        2xx, and a field that was sent is not as it was sent
├── TransportError               no answer, or none that could be read
│   ├── OriginError              following it would carry the token to another host
│   └── WriteUnconfirmedError    a write was sent, its outcome is unknown
├── QueryError                   a question that the backend could not answer
│   ├── ArgumentTypeError        an argument of the wrong type; a `TypeError` as well
│   ├── WrongHostError           it belongs to another backend than the one that it would go to
│   └── MultipleObjectsReturned  └── Task.MultipleObjectsReturned, one per entity
├── MappingError                 a value that does not fit its field
│   └── FieldError               a name that is unknown, or that cannot be read or set now
├── TransferError                a file could not be sent or fetched
├── WaitTimeoutError             what was waited for has not happened yet
├── ConfigError                  no session, no token, or a setting that cannot be used
└── BulkError                    some rows of a bulk operation failed
"""

from __future__ import annotations

import sys
import traceback

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import FrameType
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, Protocol
from weakref import WeakValueDictionary

from synapse.showing import bounded, shortened


def _rebuild(cls: type[SynapseError], args: tuple[Any, ...], state: dict[str, Any]) -> SynapseError:
    error = cls.__new__(cls)
    error.args = args  # `OSError` would take them in its `__init__` only
    error.__dict__.update(state)
    return error


class SynapseError(Exception):
    """Base of everything the SDK raises on purpose.

    One that broke a walk over rows carries a `checkpoint`, from which `queryset.resume(checkpoint)` goes on. After one
    that is `unconfirmed`, a write may have happened all the same.
    """

    checkpoint: str | None = None
    unconfirmed: bool = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*(_clean(each) if isinstance(each, str) else each for each in args))

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only constructors cannot be called again by pickle, so the state travels instead.
        return _rebuild, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        return shortened(super().__str__())

    def __repr__(self) -> str:
        return shortened(super().__repr__())

    def _render_traceback_(self) -> list[str]:
        """Give IPython one line, and the frames as well where `%tb` asks for them."""
        if _is_asked_for():
            return "".join(traceback.format_exception(self)).splitlines()
        words = " ".join(str(self).split())
        return [f"{type(self).__qualname__}: {words}{_place_of(self)}"]


@bounded
class Resolution(NamedTuple):
    """What the backend shows of a write whose outcome is unknown.

    `done`: it happened. `repeatable`: it did not, and sending it again is safe. Neither: the wire does not allow to
    tell, and `reason` says why. `rows` are the objects that it made or changed, or those that may be.
    """

    done: bool = False
    repeatable: bool = False
    rows: tuple[Any, ...] = ()
    reason: str = ""

    def __bool__(self) -> NoReturn:
        raise TypeError("a resolution has three outcomes: look at .done and .repeatable")

    def __str__(self) -> str:
        verdict = (
            "done" if self.done else "not done, safe to send again" if self.repeatable else "cannot be told"
        )
        return shortened(f"{verdict}: {self.reason}") if self.reason else verdict


class Question(Protocol):
    """What there is to ask the backend about a write."""

    def answered(self, *, using: Any, wait: float | None) -> Resolution:
        """Ask, through the session *using* or the one that it was sent by."""
        ...


class _Resolvable:
    """What errors have after which a write may have happened: the backend can be asked."""

    args: tuple[Any, ...]
    question: Question | None = None

    def resolve(self, *, using: Any = None, wait: float | None = None) -> Resolution:
        """Ask the backend whether the write happened; nothing is written.

        A backend may still be at work on what it was sent. So where nothing is there yet, this looks again until the
        read limit has passed once more since the error, or for *wait* seconds at most. Goes through the session that
        the write was sent by, or *using*, or after unpickling the current one.
        """
        if self.question is None:
            return Resolution(reason=f"it cannot be asked about by itself; {self}")
        return self.question.answered(using=using, wait=wait)

    def _told(self, said: str) -> str:
        if self.question is None:
            return said
        return shortened(f"{said.rstrip('.')}; resolve() of this error asks whether it did")


class ClientError(SynapseError):
    """The backend answered, and refused.

    `status_code` is the HTTP status, `response` the parsed body (or its text), `errors` maps a field to its
    messages, `request_id` is the backend's own name for the request where it gives one. `status` is the same as
    `status_code`, and `detail` and `reason` as `response`: other clients call them so. `retry_after` is the number of
    seconds that the backend asked to wait, where it did; `too_long` says that this is more than `Retry(max_wait=...)`
    allows, so that it was not waited for.
    """

    retry_after: float | None = None
    too_long: bool = False
    _usual_status: ClassVar[Any] = 400
    status_code: int

    def __init__(
        self,
        *args: Any,
        status_code: int | None = None,
        response: object = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(*args)
        self.status_code = self._usual_status if status_code is None else status_code
        self.response = response
        self.errors = {name: list(texts) for name, texts in (errors or {}).items()}
        self.request_id = request_id

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.status_code

    @property
    def detail(self) -> object:
        """The parsed body, or its text."""
        return self.response

    @property
    def reason(self) -> object:
        """The parsed body, or its text."""
        return self.response


class AuthenticationError(ClientError):
    """401: the token is missing, wrong or expired."""

    _usual_status = 401


class PermissionDeniedError(ClientError):
    """403: the token is good, but may not do this."""

    _usual_status = 403


class NotFoundError(ClientError):
    """404: no such object, or no right to see it."""

    _usual_status = 404


@bounded
class Conflict(NamedTuple):
    """One field that somebody else has changed: what was loaded, what the backend holds, and what was to be set.

    `loaded` is `UNSET` where the field never was; of a secret field all three are.
    """

    loaded: Any
    theirs: Any
    mine: Any


class ConflictError(ClientError):
    """409: the object is not in the state that the request needs.

    Raised by `save(check=True)`, before anything is sent, `conflicts` maps each field to its `Conflict`.
    """

    _usual_status = 409
    conflicts: Mapping[str, Conflict] = {}


class ValidationError(ClientError):
    """400 or 422: the backend refused the values; `errors` says which."""


class RateLimitError(ClientError):
    """429: too many requests; `retry_after` is the number of seconds that the backend asked for, if it did."""

    _usual_status = 429


class ServerError(ClientError, _Resolvable):
    """5xx: the backend failed, and a write may have happened all the same: `resolve()` asks whether it did.

    Where it did not, as with a 503 and `Retry-After`, `unconfirmed` is False.
    """

    unconfirmed = True
    _usual_status = 500

    def __str__(self) -> str:
        return self._told(super().__str__())


class WriteIgnoredError(ClientError):
    """The backend answered a change with success, and shows that it did not take some of it.

    `fields` names what it did not take; what else was sent is done. The row is known, so there is nothing to resolve.
    """

    fields: Sequence[str] = ()
    _is_doubtful = False


class TransportError(SynapseError):
    """No answer came, or none that could be read; `method` and `url` name the request.

    `timed_out` says that the backend took the request and did not answer it in time, `too_large` that the answer was
    larger than what is read into memory.
    """

    def __init__(
        self,
        *args: Any,
        method: str = "",
        url: str = "",
        status_code: int | None = None,
        timed_out: bool = False,
        too_large: bool = False,
    ) -> None:
        super().__init__(*args)
        self.method = method
        self.url = url
        self.status_code = status_code
        self.timed_out = timed_out
        self.too_large = too_large


class OriginError(TransportError):
    """A link led away from the session's origin; nothing was sent there."""


class WriteUnconfirmedError(TransportError, _Resolvable):
    """A write was sent and no answer confirms it: it may or may not have happened, and was not repeated.

    Where an answer came that contradicts what was sent, `answered` holds the keys of the rows that it showed instead.
    """

    unconfirmed = True
    answered: Sequence[Any] = ()

    def __str__(self) -> str:
        return self._told(super().__str__())


class QueryError(SynapseError):
    """A question that the backend could not answer, refused before anything was sent."""


class ArgumentTypeError(QueryError, TypeError):
    """An argument is of a type that the call does not take; a `TypeError` as well."""


class WrongHostError(QueryError):
    """What belongs to one backend would go to another one, where its keys name other objects; nothing was sent.

    `host` is where it belongs, `session_host` where it would have gone, each where it is known.
    """

    host: str = ""
    session_host: str = ""


class MultipleObjectsReturned(QueryError):  # noqa: N818 - Django's name
    """`get()` matched more than one object."""


class MappingError(SynapseError):
    """A value does not fit its field; the message starts with the path, such as `Task.created of row 17`.

    Of a row that the backend sent, `path` is the field (`Task.created`), `row` the row's number in the result, from 1
    on, and `key` its key, each where it is known.
    """

    path: str = ""
    row: int | None = None
    key: int | str | None = None


class FieldError(MappingError, QueryError, AttributeError, TypeError):
    """A name is unknown here, or can't be read or set now, such as a relation of an object that is not saved yet.

    Python raises `AttributeError` for such names, or `TypeError` where they are arguments; so this is both as well.
    """

    def __init__(self, *args: Any, name: str | None = None, say: Callable[[], str] | None = None) -> None:
        super().__init__(*args)
        # With an object, Python would add a suggestion of its own.
        self.name, self.obj = name, None
        self._say = say

    def __str__(self) -> str:
        # Looking for a near name takes longer than all the rest, and `hasattr()` never reads the text.
        if self._say is not None:
            self.args, self._say = (_clean(self._say()),), None
        return super().__str__()

    def __repr__(self) -> str:
        str(self)
        return super().__repr__()

    def __reduce__(self) -> tuple[Any, ...]:
        str(self)
        return super().__reduce__()


class TransferError(SynapseError):
    """A file could not be sent or fetched."""


class WaitTimeoutError(SynapseError, TimeoutError):
    """What was waited for has not happened yet; nothing was stopped."""


class ConfigError(SynapseError):
    """There is no session, no token, or a setting that cannot be used."""


class BulkError(SynapseError):
    """Some rows of a bulk operation failed; the others are done.

    `succeeded` holds the rows that are done, `failed` pairs each row that is not known to be with its error, and
    `untried` holds those that were not tried any more, since the token is not taken or no answer comes; each in the
    order given. Those of `failed` that may have happened are in `unknown` too: look before you send them again.
    """

    def __init__(
        self,
        *args: Any,
        succeeded: Sequence[object] = (),
        failed: Sequence[tuple[object, Exception]] = (),
        untried: Sequence[object] = (),
    ) -> None:
        super().__init__(*args)
        self.succeeded = list(succeeded)
        self.failed = list(failed)
        self.untried = list(untried)
        self.unconfirmed = bool(self.unknown)

    @property
    def unknown(self) -> list[tuple[object, Exception]]:
        """The failed rows that may be done all the same, each with its error."""
        return [(row, error) for row, error in self.failed if may_have_happened(error)]


def may_have_happened(error: Exception | None) -> bool:
    """Whether a write that ended with this error may have happened all the same.

    >>> may_have_happened(ServerError("500", status_code=500)), may_have_happened(QueryError("no lookup"))
    (True, False)
    """
    return isinstance(error, SynapseError) and error.unconfirmed


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'project'?)` for the nearest known name, or nothing.

    >>> did_you_mean("projct", ["project", "id"])
    " (did you mean 'project'?)"
    """
    spelled = {each.casefold(): each for each in sorted(known)}
    close = get_close_matches(name.casefold(), spelled, n=1, cutoff=0.6)
    return f" (did you mean {spelled[close[0]]!r}?)" if close else ""


def describe(value: object) -> str:
    """Name a value by its type and a short repr, for messages; of a dict only the keys, since it may hold secrets.

    >>> describe("no number"), describe({"token": "x"})
    ("str 'no number'", "dict with 'token'")
    """
    try:
        text = hidden(
            f"with {', '.join(map(repr, value))}" if isinstance(value, dict) and value else repr(value)
        )
    except Exception:  # no integer of thousands of digits can be printed, nor what is nested too deeply
        return type(value).__name__
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _clean(text: str) -> str:
    """Take out of a message what must not be shown, and what is too much."""
    return shortened(printable(hidden(text), lines=True))


def _is_asked_for() -> bool:
    """Whether IPython's `%tb` is what shows an error."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "tb" and str(frame.f_globals.get("__name__")).startswith("IPython."):
            return True
        frame = frame.f_back
    return False


def _place_of(error: BaseException) -> str:
    """Say from which line of the user's code an error came."""
    frame, place = error.__traceback__, ""
    while frame is not None and not str(frame.tb_frame.f_globals.get("__name__")).startswith("synapse."):
        file = frame.tb_frame.f_code.co_filename
        is_cell = frame.tb_frame.f_globals.get("__name__") == "__main__"
        place = f" (line {frame.tb_lineno}{'' if is_cell else f' of {file}'}; %tb shows the rest)"
        frame = frame.tb_next
    return place


class Hiding(Protocol):
    """Knows the secrets of one session."""

    def text(self, text: str, /) -> str:
        """Return *text* without them."""
        ...


_HIDING: Final[WeakValueDictionary[int, Hiding]] = WeakValueDictionary()


def hide(hiding: Hiding) -> None:
    """Keep these secrets out of every error that is made from now on, for as long as *hiding* lives."""
    _HIDING[id(hiding)] = hiding


def hidden(text: str) -> str:
    """Return *text* without the secrets of any session."""
    for reference in _HIDING.valuerefs():
        hiding = reference()
        if hiding is not None:
            text = hiding.text(text)
    return text


def printable(text: str, *, lines: bool = False) -> str:
    r"""Escape what a terminal would obey, or not show; with *lines*, line breaks stay.

    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or (lines and each == "\n") else repr(each)[1:-1] for each in text
    )


def quoted(name: str) -> str:
    """Quote a name that a user gave, of an endless one its beginning.

    >>> quoted("projct")
    "'projct'"
    """
    return repr(name if len(name) <= 100 else f"{name[:97]}...")
