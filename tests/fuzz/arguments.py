"""Calls of every public method with values of all kinds, found by what the methods say that they take."""

from __future__ import annotations

import inspect
import io

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from hypothesis import strategies as st

import synapse

from synapse import (
    Agent,
    BackendClient,
    DataCollection,
    FetchMode,
    GroundTruthDataset,
    Job,
    Plugin,
    Project,
    RemoteFile,
    Retry,
    Session,
    Task,
    TaskTag,
)
from synapse.orm import Entity, Manager, QuerySet
from synapse.orm.selection import Selection
from tests.contract.lookup_world import ENTITIES
from tests.faults.every import World
from tests.faults.odd_keys import HUGE, NUMBERED, NUMBERS, OTHERS, TEXT_KEYS, TEXTS, named
from tests.fuzz.harms import ODD

SKIPPED: Final = frozenset({"close", "reset_connection", "objects"})
BETWEEN_LAYERS: Final = frozenset(
    {"of", "from_row", "from_wire", "to_wire", "unsent", "fetch_to", "matches", "with_url"}
)
OPERATORS: Final = ("__getitem__", "__contains__", "__and__", "__or__", "__eq__")


class Unseen(Manager[Any]):
    """A manager that is no entity's own."""


def values() -> st.SearchStrategy[Any]:
    """Values of every kind that a program may hand over by mistake."""
    new = st.builds(
        lambda make: make(),
        st.sampled_from(
            [
                lambda: Task(project_id=1, data_unit_id=1),
                lambda: Task.ref(1),
                lambda: Project.ref(1),
                lambda: Job.ref("a"),
                lambda: Task.objects.none(),
                lambda: Task.objects.filter(id=1),
                lambda: RemoteFile(url="https://x.invalid/a.png"),
                lambda: iter([1, None]),
                lambda: (each for each in ("a", 5)),
                lambda: io.BytesIO(b"bytes"),
                lambda: io.StringIO("text"),
                lambda: deleted(TaskTag.ref(1)),
            ]
        ),
    )
    fixed = st.sampled_from(
        [
            *(*ODD, *TEXTS, *NUMBERS, *HUGE, *OTHERS, *NUMBERED, *TEXT_KEYS),
            *(datetime(2026, 1, 1), datetime.now(UTC), date(2026, 1, 1)),  # noqa: DTZ001
            *(Path("nope.png"), Path(), FetchMode.PEERS, Retry(), Task, Session, synapse, print, Ellipsis),
            *("project", "pk", "-id", "data_unit", "project__data_collection", "files", "pages", "presigned"),
            *(
                {"a": 1},
                {"files": {"image_1": "a.png"}},
                [("a", 1)],
                {"expand": "x"},
                slice(1, 2),
                slice(5, 1, -1),
            ),
        ]
    )
    return st.one_of(fixed, fixed, new, st.integers(), st.text(max_size=10), st.lists(fixed, max_size=2))


def deleted(row: Entity) -> Entity:
    """Give an object that counts as deleted."""
    row._state.deleted = True
    return row


NAMES: Final = sorted(
    {name for cls in ENTITIES for name in (*cls._schema.names, *cls._catalog.spellings())}
    | {"pk", "pk__in", "nope", "id__nope", "data_unit__meta", "everything", "dry_run"}
)


@attrs.frozen
class Target:
    """One public method, and how to come by what it is bound to."""

    name: str
    bound: Callable[[World], Callable[..., Any]] = attrs.field(repr=False)


def targets() -> dict[str, Target]:
    """Every method that a user may call, and what is called directly."""
    made: dict[str, Callable[[World], Any]] = {
        "QuerySet": lambda w: w.all(Task).all(),
        "Manager": lambda w: Unseen(Task).using(w.session),
        "Values": lambda w: w.all(Task).values("id"),
        "DataCollection": lambda w: w.held(DataCollection, 1),
        "Plugin": lambda w: w.held(Plugin, 1),
        "Job": lambda w: w.held(Job, "a"),
        "Agent": lambda w: w.held(Agent, 1),
        "GroundTruthDataset": lambda w: w.held(GroundTruthDataset, 1),
        "Task": lambda w: w.held(Task, 1),
        "RemoteFile": lambda w: RemoteFile(url="/media/a.png", session=w.session),
        "BackendClient": lambda w: w.client,
    }
    for cls in ENTITIES:
        if type(cls.objects) is not Manager:
            made[f"{cls.__name__}.objects"] = lambda w, cls=cls: w.all(cls)  # type: ignore[misc]
    found = [target for name, bind in made.items() for target in _methods(name, bind, _class_of(name))]
    found += [Target(cls.__name__, lambda w, cls=cls: cls) for cls in ENTITIES]  # type: ignore[misc]
    found += [Target(f"{cls.__name__}.ref", lambda w, cls=cls: cls.ref) for cls in ENTITIES]  # type: ignore[misc]
    found += [Target("Session", lambda w: Session), Target("Retry", lambda w: Retry)]
    found += [Target("BackendClient", lambda w: BackendClient)]
    return {target.name: target for target in found}


def _class_of(name: str) -> type[Any]:
    if name.endswith(".objects"):
        return type(getattr(synapse, name.partition(".")[0]).objects)
    known: dict[str, type[Any]] = {"QuerySet": QuerySet, "Manager": Unseen, "Values": synapse.orm.Values}
    return known.get(name) or getattr(synapse, name)  # type: ignore[no-any-return]


def _methods(name: str, bind: Callable[[World], Any], cls: type[Any]) -> Iterator[Target]:
    own = {
        key for base in cls.__mro__ if base.__module__.startswith(("synapse", "tests")) for key in vars(base)
    }
    if name.endswith(".objects") or name == "Manager":
        own = {key for key in own if key not in {**vars(Selection), **vars(QuerySet)}}
    elif issubclass(cls, Entity) and cls is not Task:
        own = set(vars(cls))
    for method in sorted(own):
        if method.startswith("_") and method not in OPERATORS or method in SKIPPED | BETWEEN_LAYERS:
            continue
        if inspect.isroutine(inspect.getattr_static(cls, method)):
            yield Target(f"{name}.{method}", lambda w, method=method: getattr(bind(w), method))  # type: ignore[misc]


@attrs.frozen
class Arguments:
    """What a method is given."""

    args: tuple[Any, ...] = attrs.field(repr=lambda args: f"({', '.join(map(named, args))})")
    kwargs: dict[str, Any] = attrs.field(
        repr=lambda given: f"{{{', '.join(f'{name}={named(value)}' for name, value in given.items())}}}"
    )


@st.composite
def arguments(draw: st.DrawFn, function: Callable[..., Any]) -> Arguments:
    """Draw arguments of the shape that a function takes, whatever they hold."""
    value = values()
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            args += draw(st.lists(value, max_size=2)) if not kwargs else []
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs |= draw(st.dictionaries(st.sampled_from(NAMES), value, max_size=2))
        elif parameter.default is parameter.empty or draw(st.integers(0, 2)) == 0:
            given = draw(value)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                args.append(given)
            else:
                kwargs[name] = given
    return Arguments(tuple(args), kwargs)
