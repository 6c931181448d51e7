"""The error tree: who is whose parent, what travels, and what words help."""

from __future__ import annotations

import copy
import inspect
import pickle

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from synapse import errors
from synapse.client import exceptions
from synapse.entities import Task
from synapse.errors import (
    BulkError,
    ClientError,
    FieldError,
    QueryError,
    RateLimitError,
    SynapseError,
    TransportError,
    ValidationError,
    WaitTimeoutError,
    describe,
    did_you_mean,
    quoted,
)

COPIES: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda error: pickle.loads(pickle.dumps(error)),
]


def every_error() -> list[type[SynapseError]]:
    """Return each class of the tree."""
    return [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, SynapseError)]


def made(cls: type[SynapseError]) -> SynapseError:
    """Make an error with all that it takes."""
    if issubclass(cls, ClientError):
        return cls(
            "refused",
            status_code=418,
            response={"detail": "찾을 수 없습니다."},
            errors={"a": ("b",)},
            request_id="r1",
        )
    if issubclass(cls, TransportError):
        return cls("broken", method="GET", url="http://h/tasks/", status_code=200)
    if cls is BulkError:
        return BulkError("some", succeeded=[1], failed=[(2, ValidationError("no", status_code=400))])
    return cls("wrong")


class Silent:
    """Fails when it is shown."""

    def __repr__(self) -> str:
        raise ValueError


def raisable() -> list[type[SynapseError]]:
    """Return each class that a program may raise: those of the tree, of the flat client, and of an entity."""
    flat = [getattr(exceptions, name) for name in exceptions.__all__]
    return [*every_error(), *dict.fromkeys(flat), Task.DoesNotExist, Task.MultipleObjectsReturned]


def drawn() -> Iterator[tuple[str, int]]:
    """Yield each name of the tree that the module's docstring draws, with its depth."""
    for line in (errors.__doc__ or "").splitlines():
        name = line.lstrip("│├└─ ").split(" ")[0]
        if name.isidentifier() and hasattr(errors, name):
            yield name, (len(line) - len(line.lstrip("│├└─ "))) // 4


class TestTravel:
    @pytest.mark.parametrize("travel", COPIES, ids=["copy", "deepcopy", "pickle"])
    @pytest.mark.parametrize("cls", every_error())
    def test_keeps_words_and_data(self, cls: type[SynapseError], travel: Callable[[Any], Any]) -> None:
        """An error that was raised in another process says the same here."""
        error = made(cls)
        again = travel(error)

        assert (type(error), str(error), error.args) == (type(again), str(again), again.args)
        assert {name: repr(value) for name, value in vars(error).items()} == {
            name: repr(value) for name, value in vars(again).items()
        }

    @pytest.mark.parametrize("cls", [Task.DoesNotExist, Task.MultipleObjectsReturned])
    def test_errors_of_an_entity_travel_too(self, cls: type[SynapseError]) -> None:
        """They are found again by the entity's name."""
        again = pickle.loads(pickle.dumps(made(cls)))

        assert cls is type(again)
        with pytest.raises(cls):
            raise again

    def test_notes_travel(self) -> None:
        """What was added on the way up is not lost."""
        error = QueryError("wrong")
        error.add_note("in row 5")

        assert ["in row 5"] == pickle.loads(pickle.dumps(error)).__notes__

    def test_later_attributes_travel(self) -> None:
        """Such as the wait that the backend asked for."""
        error = made(RateLimitError)
        error.retry_after = 2.5  # type: ignore[attr-defined]

        assert 2.5 == pickle.loads(pickle.dumps(error)).retry_after


class TestRaised:
    """By code that uses the SDK, and by its tests."""

    @pytest.mark.parametrize("cls", raisable(), ids=lambda cls: cls.__qualname__)
    def test_by_its_class_alone(self, cls: type[SynapseError]) -> None:
        """As `Mock(side_effect=Task.DoesNotExist)` does."""
        with pytest.raises(cls) as caught:
            Mock(side_effect=cls)()

        assert (cls, "") == (type(again := pickle.loads(pickle.dumps(caught.value))), str(again))

    @pytest.mark.parametrize("cls", raisable(), ids=lambda cls: cls.__qualname__)
    def test_with_a_text(self, cls: type[SynapseError]) -> None:
        """Nothing else is asked for."""
        error = cls("x")

        assert ("x", ("x",)) == (str(error), pickle.loads(pickle.dumps(error)).args)

    def test_a_refusal_has_the_status_of_its_class(self) -> None:
        """Programs compare it with numbers."""
        kinds = [ClientError, errors.AuthenticationError, errors.PermissionDeniedError, errors.NotFoundError]
        more = [errors.ConflictError, ValidationError, RateLimitError, errors.ServerError, Task.DoesNotExist]

        assert [400, 401, 403, 404, 409, 400, 429, 500, 404] == [
            each().status_code for each in [*kinds, *more]
        ]

    def test_what_got_no_answer_has_no_status(self) -> None:
        """Neither the tree's, nor that of the flat client, but for a timeout."""
        kinds = [TransportError, exceptions.ClientConnectionError, exceptions.ClientTimeoutError]

        assert [None, None, 408] == [each("x").status_code for each in kinds]

    def test_a_bulk_error_has_no_rows(self) -> None:
        """Its lists are there all the same."""
        assert ([], [], []) == (BulkError("x").succeeded, BulkError().failed, BulkError().untried)

    def test_an_unconfirmed_write_cannot_be_asked_about(self) -> None:
        """It says so, instead of failing."""
        assert not errors.WriteUnconfirmedError().resolve().done


class TestFieldError:
    def test_is_an_error_of_python_too(self) -> None:
        """Of both kinds: a name may be an attribute or an argument."""
        assert issubclass(FieldError, errors.MappingError)
        assert issubclass(FieldError, AttributeError) and issubclass(FieldError, TypeError)

    def test_is_no_kind_of_every_mapping_error(self) -> None:
        """Else `hasattr()` would take a malformed row for a missing name."""
        assert not issubclass(errors.MappingError, AttributeError)

    def test_looks_for_words_when_it_is_read(self) -> None:
        """Once, since that takes long."""
        say = Mock(return_value="did you mean 'name'?")
        error = FieldError(name="nmae", say=say)
        before = say.call_count

        assert (0, "did you mean 'name'?", "did you mean 'name'?") == (before, str(error), error.args[0])
        assert "did you mean 'name'?" in repr(error)
        assert 1 == say.call_count

    @pytest.mark.parametrize("travel", COPIES, ids=["copy", "deepcopy", "pickle"])
    def test_travels_with_its_words(self, travel: Callable[[Any], Any]) -> None:
        """Whatever was to say them."""
        assert "no 'x'" == str(travel(FieldError(name="x", say=lambda: "no 'x'")))


class TestTree:
    def test_is_the_one_that_is_drawn(self) -> None:
        """The picture at the top of the module is the truth."""
        parents: list[type] = []
        wrong = []
        for name, depth in drawn():
            cls = getattr(errors, name)
            parents[depth:] = [cls]
            wrong += [name] if depth and cls.__bases__[0] is not parents[depth - 1] else []

        assert [] == wrong

    def test_is_drawn_whole(self) -> None:
        """No class is missing from the picture."""
        assert {cls.__name__ for cls in every_error()} == {name for name, _ in drawn()}

    def test_waiting_too_long_is_a_timeout(self) -> None:
        """Python's own, for programs that catch that."""
        assert isinstance(made(WaitTimeoutError), TimeoutError)

    def test_errors_of_an_entity_are_below_the_general_ones(self) -> None:
        """Whoever catches the general one catches them all."""
        assert issubclass(Task.DoesNotExist, errors.NotFoundError)
        assert issubclass(Task.MultipleObjectsReturned, errors.MultipleObjectsReturned)
        assert (
            "synapse.Task.DoesNotExist" == f"{Task.DoesNotExist.__module__}.{Task.DoesNotExist.__qualname__}"
        )


class TestClientError:
    def test_words_of_the_backend_come_through_as_sent(self) -> None:
        """Whatever the language."""
        error = ValidationError(
            "[400] 이 필드는 필수 항목입니다.",
            status_code=400,
            errors={"title": ("이 필드는 필수 항목입니다.",)},
        )

        assert "[400] 이 필드는 필수 항목입니다." == str(error)
        assert {"title": ["이 필드는 필수 항목입니다."]} == error.errors

    def test_needs_no_details(self) -> None:
        """A refusal without a body has no messages."""
        error = ClientError("refused", status_code=409)

        assert (None, {}, None) == (error.response, error.errors, error.request_id)

    def test_messages_are_its_own(self) -> None:
        """Changing what it was made from changes nothing."""
        texts = {"a": ["b"]}
        error = ClientError("refused", status_code=400, errors=texts)
        texts["a"].append("c")

        assert {"a": ["b"]} == error.errors

    def test_a_rate_limit_may_not_say_how_long(self) -> None:
        """Then nothing is known."""
        assert made(RateLimitError).retry_after is None  # type: ignore[attr-defined]

    def test_goes_by_the_names_of_other_clients(self) -> None:
        """What they call `detail`, `reason` and `status` is here too, after travelling as well."""
        error = pickle.loads(pickle.dumps(ClientError("refused", status_code=409, response={"a": ["b"]})))

        assert (409, {"a": ["b"]}, {"a": ["b"]}) == (error.status, error.detail, error.reason)


class TestDidYouMean:
    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("projct", "project"),
            ("PROJECT", "project"),
            ("Created", "created"),
            ("iid", "id"),
            ("statuslabel", "status_label"),
        ],
    )
    def test_names_the_nearest(self, name: str, nearest: str) -> None:
        """A slip of a key, of the shift key, a missing underscore."""
        known = ["project", "created", "id", "status_label"]

        assert f" (did you mean {nearest!r}?)" == did_you_mean(name, known)

    @pytest.mark.parametrize("name", ["", "xyzzy", "프로젝트"])
    def test_is_silent_where_nothing_is_near(self, name: str) -> None:
        """A wrong hint is worse than none."""
        assert "" == did_you_mean(name, ["project", "created"]) == did_you_mean(name, [])

    def test_spells_it_as_it_is_declared(self) -> None:
        """The hint can be copied."""
        assert " (did you mean 'RUNNING'?)" == did_you_mean("runing", iter(["RUNNING", "FAILED"]))


class TestDescribe:
    def test_says_type_and_value(self) -> None:
        """Both are needed to see what went wrong."""
        assert ["int 5", "str '5'", "NoneType None"] == [describe(value) for value in (5, "5", None)]

    def test_cuts_what_is_long(self) -> None:
        """A message is for reading."""
        assert len(describe("x" * 10_000)) <= 64

    @pytest.mark.parametrize("value", [10**5000, Silent()], ids=["huge", "silent"])
    def test_names_what_cannot_be_shown(self, value: object) -> None:
        """An error within an error would hide the first."""
        assert type(value).__name__ == describe(value)


class TestQuoted:
    def test_cuts_what_is_long(self) -> None:
        """A name that a user gave may be a whole file."""
        assert ("'projct'", 102) == (quoted("projct"), len(quoted("x" * 10_000)))
