"""The question that an error carries where a write may have happened: `error.resolve()` has it answered."""

from __future__ import annotations

import time

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import AskedTwins, HarmlessTwins
from synapse.errors import (
    QueryError,
    Resolution,
    ServerError,
    WriteUnconfirmedError,
    WrongHostError,
    describe,
)
from synapse.masking import mask_body
from synapse.orm import arguments, binding
from synapse.session import Backend, Session, current

FIRST_LOOK: Final = 0.1
SLOWEST_LOOK: Final = 2.0
ABSENT: Final = Resolution(repeatable=True, reason="the backend has nothing of it")


@attrs.frozen
class Moment:
    """A moment by both clocks of this process; in another one, only the time of day is left."""

    at: float = attrs.field(factory=time.time)
    ticks: float | None = attrs.field(factory=time.monotonic)

    def ago(self) -> tuple[float, float]:
        """Give how many seconds have passed, at least and at most: the time of day may be set, the ticks may sleep."""
        passed = time.time() - self.at
        if self.ticks is None:
            return passed, passed
        ticked = time.monotonic() - self.ticks
        return min(passed, ticked), max(passed, ticked)

    @property
    def travelled(self) -> bool:
        """Whether it was noted by another process, and maybe by another machine's clock."""
        return self.ticks is None

    def __reduce__(self) -> tuple[Any, ...]:
        return Moment, (self.at, None)


@contextmanager
def resolvable_by(question: Callable[[Moment], Asked]) -> Iterator[None]:
    """Give a write that may have happened, though it ended in an error, a question to resolve it by.

    The question is made from the time of its sending.
    """
    since = Moment()
    try:
        yield
    except (WriteUnconfirmedError, ServerError) as error:
        if error.unconfirmed and error.question is None:
            attach(error, question(since))
        raise


def attach(error: WriteUnconfirmedError | ServerError, asked: Asked) -> None:
    """Give an error a question to resolve it by."""
    instead = error.answered if isinstance(error, WriteUnconfirmedError) else ()
    error.question = attrs.evolve(asked, instead=tuple(instead)) if instead else asked


@attrs.frozen(kw_only=True)
class Asked(AskedTwins):
    """What every question holds; the session and the user's own objects stay behind in a pickle.

    `instead` holds the keys of rows that an answer showed in place of what was sent.
    """

    host: str
    instead: tuple[Any, ...] = ()
    failed: Moment = attrs.field(factory=Moment)
    tenant: str | None = None
    session: Session | None = attrs.field(default=None, repr=False, eq=False)
    objects: tuple[Any, ...] = attrs.field(default=(), repr=False, eq=False)

    def look(self, session: Session) -> Resolution:
        """Ask once; a write that is not there is `repeatable`."""
        raise NotImplementedError

    @sends(twin="aresolve")
    def answered(self, *, using: Session | None, wait: float | None) -> Resolution:
        """Look until the write is found, or is not to be expected any more."""
        session = self.through(using)
        if wait is not None:
            arguments.seconds("resolve(wait=...)", wait)
        limit = session.settings.timeout.read
        # Clocks may be set meanwhile, and another machine's may be wrong.
        due = limit if self.failed.travelled else min(max(0.0, limit - self.failed.ago()[0]), limit)
        patience = due if wait is None else min(due, wait)
        # A backend that was only slow may still be at work on the write until the read limit has passed once more.
        found = self._looked(session, patience=patience)
        if not found.repeatable or patience >= due:
            return found
        return found._replace(
            repeatable=False,
            reason=f"{found.reason} yet, but it may still be at work on it; resolve() again in {due - patience:.1f} s",
        )

    def _looked(self, session: Session, *, patience: float) -> Resolution:
        until, pause = time.monotonic() + patience, FIRST_LOOK
        while True:
            last = time.monotonic() >= until
            found = self.look(session)
            if last or not found.repeatable:
                return found
            session.pause(max(0.0, min(pause, until - time.monotonic())))
            pause = min(2 * pause, SLOWEST_LOOK)

    def through(self, using: Session | None) -> Session:
        """Choose the session to ask by, which has to lead to the same backend."""
        given: object = using
        if given is not None and not isinstance(given, Session):
            raise QueryError(f"resolve(using=...) takes a Session, got {describe(given)}")
        session = using or self.session or current()
        binding.meet(session, Backend(self.host), what="resolve()")
        if session.settings.tenant != self._workspace():
            raise WrongHostError(
                f"the write went to the workspace {self._workspace()!r}, and this session speaks to "
                f"{session.settings.tenant!r}, which knows nothing of it: give resolve(using=...) one of its own"
            )
        return session

    def _workspace(self) -> str | None:
        return self.tenant if self.session is None else self.session.settings.tenant

    def __reduce__(self) -> tuple[Any, ...]:
        left = ("session", "objects")
        kept = {each.name: getattr(self, each.name) for each in attrs.fields(type(self))}
        told = {name: value for name, value in kept.items() if name not in left}
        return _restored, (type(self), told | {"tenant": self._workspace()} | self.shareable())

    def shareable(self) -> dict[str, Any]:
        """Give what a pickle holds in place of values that may be secret."""
        return {}


@attrs.frozen(kw_only=True)
class Harmless(HarmlessTwins, Asked):
    """A write that may be sent again whether or not it happened, so that there is nothing to wait for."""

    @sends(twin="aresolve")
    def answered(self, *, using: Session | None, wait: float | None) -> Resolution:
        """Ask once."""
        return self.look(self.through(using))


@attrs.frozen(kw_only=True)
class Repeating(Harmless):
    """A write that no row shows, and that writes the same each time."""

    def look(self, session: Session) -> Resolution:
        """Say so."""
        return ABSENT._replace(reason="sending it once more writes the same")


def _restored(cls: type[Asked], kept: dict[str, Any]) -> Asked:
    return cls(**kept)


def without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out every field that holds something secret."""
    return {
        name: value
        for name, value in values.items()
        if mask_body(filled := _without_empty({name: value})) == filled
    }


def _without_empty(value: Any) -> Any:
    """Leave out what is empty, and so holds no secret."""
    if isinstance(value, Mapping):
        return {name: _without_empty(each) for name, each in value.items() if each not in (None, "", {}, [])}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value
