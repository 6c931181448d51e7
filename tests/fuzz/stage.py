"""A stage on which every public call is played again, with one of its answers harmed."""

from __future__ import annotations

import itertools
import shutil
import traceback

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs

from synapse import ClientError, Session, SynapseError, Task, TransferError, TransportError
from synapse.errors import BulkError
from synapse.sandbox import serve
from synapse.session import Retry
from tests.faults import every_client, every_object
from tests.faults.every import CALLS, Call, Keys, World
from tests.fuzz.arguments import Arguments, Target
from tests.fuzz.budget import bounded
from tests.fuzz.harms import Harm
from tests.fuzz.parrot import MOST, Exchange, Parrot, Recorder, Script
from tests.sandbox.wire import Wire
from tests.servers import Received

LONGEST_MESSAGE: Final = 8_000
_USES_UP: Final = ("create", "delete")  # words in the names of calls that succeed once on the same rows
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_CLOSING: Final = "/chunked_upload/"  # an upload that is closed again stays as it is
_NOTHING_DONE: Final = frozenset({429, 503})

# It opens a storage beside the backend, whose answers are not played.
PLAYED: Final = tuple(name for name in CALLS if name != "Storage.filesystem")


@attrs.frozen
class Recorded:
    """One call as it went with a real backend, and the rows that it was made on."""

    keys: Keys
    exchanges: list[Exchange]


class Stage:
    """The session, the server that repeats what was recorded, and the folder that files come from and go to."""

    def __init__(self, parrot: Parrot, folder: Path, *, token: str) -> None:
        self.token = token
        self.parrot = parrot
        self.folder = folder
        self.recorded: dict[str, Recorded] = {}
        self.session = Session(
            parrot.origin,
            api_token=token,
            retry=Retry(total=1, backoff=0, cap=0, max_wait=0),
            timeout={"connect": 20, "read": 20},
            state_dir=False,
        )

    def world(self, name: str, keys: Keys) -> World:
        """Make the world of one call, each time the same to the last byte."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        numbers = itertools.count(1000 * list(CALLS).index(name))
        every_object.NUMBERS = every_client.NUMBERS = numbers  # type: ignore[misc]
        self.session.cache.clear()
        return World(self.session, self.folder, keys)

    def record(self, backend: str, names: Iterable[str]) -> None:
        """Make each of these calls once with a real backend."""
        address = str(urlsplit(backend).netloc)
        self.parrot.script = Recorder(address)
        keys = Keys.of(Wire(self.parrot.origin, self.token))
        before = ""
        for name in names:
            self.parrot.script = recorder = Recorder(address)
            if any(word in before for word in _USES_UP):
                keys = Keys.of(Wire(self.parrot.origin, self.token))
                recorder.exchanges.clear()
            patched(CALLS[name]).do(self.world(name, keys))
            self.recorded[name], before = Recorded(keys, list(recorder.exchanges)), name

    def play(self, name: str, harm: Harm | None = None) -> BaseException | None:
        """Make a call again with one answer harmed, and hold what comes of it against what is promised."""
        recorded = self.recorded[name]
        self.parrot.script = script = Script(recorded.exchanges, harm)
        world, raised = self.world(name, recorded.keys), None
        with bounded():
            try:
                patched(CALLS[name]).do(world)
            except Exception as error:
                raised = error
        check_error(name, raised, token=self.token)
        assert len(script.asked) <= MOST, f"{name} asked without end"
        check_writes(script, raised)
        self.check_usable()
        return raised

    def call(self, target: Target, given: Arguments) -> BaseException | None:
        """Call a method with whatever was drawn; what is sent all the same is answered by what was recorded."""
        everything = [each for recorded in self.recorded.values() for each in recorded.exchanges]
        self.parrot.script = script = Script(everything)
        world, raised = self.world("QuerySet.count", Keys()), None
        with bounded():
            try:
                found = target.bound(world)(*given.args, **given.kwargs)
                if hasattr(found, "__next__"):
                    list(itertools.islice(found, 3))
            except Exception as error:
                raised = error
        check_call(target.name, raised, token=self.token)
        assert len(script.asked) <= MOST, f"{target.name} asked without end"
        return raised

    def check_usable(self) -> None:
        """The session goes on working."""
        self.parrot.script = Script(self.recorded["QuerySet.count"].exchanges)
        keys = self.recorded["QuerySet.count"].keys
        assert 1 == Task.objects.using(self.session).filter(project=keys.project).count()


def patched(call: Call) -> Call:
    """Let a call that waits give up soon."""
    if call.name == "Job.wait":
        return attrs.evolve(call, do=lambda w: w.job.wait(timeout=0.02))
    return call


def check_call(name: str, error: BaseException | None, *, token: str) -> None:
    """What is wrong with a value is told by an error of ours; what is wrong with the shape of a call, by Python's."""
    if isinstance(error, TypeError | AttributeError | IndexError):
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/synapse/" in frame.filename]
        if not ours or (ours[-1] is frames[-1] and (ours[-1].line or "").startswith("raise ")):
            return
    check_error(name, error, token=token)


def check_error(name: str, error: BaseException | None, *, token: str) -> None:
    """Only our own errors come out, in words of some length, and without the token."""
    if error is None or (isinstance(error, IndexError) and name == "QuerySet.__getitem__"):
        return
    where = traceback.extract_tb(error.__traceback__)[-1].filename
    if "/tests/" in where and not isinstance(error, AssertionError):
        return  # what the call itself does with what it got
    if not isinstance(error, SynapseError):
        raise error
    words = "".join(traceback.format_exception(error))
    assert token not in words
    assert 10 < len(str(error)) < LONGEST_MESSAGE, f"{len(str(error))} characters: {str(error)[:300]}"


def check_writes(script: Script, error: BaseException | None) -> None:
    """A write whose answer was harmed was sent once, unless the answer said that nothing was done."""
    for harmed in script.harmed:
        if harmed.method in _REPEATABLE or harmed.path.startswith(_CLOSING) or script.harm is None:
            continue
        again = [each for each in script.asked if same(each, harmed)]
        if script.harm.status not in _NOTHING_DONE and not said_nothing_done(script.harm):
            assert 1 == len(again), f"{harmed.method} {harmed.target} was sent {len(again)} times"
        if error is not None:
            known = (ClientError, TransportError, TransferError, BulkError)
            assert isinstance(error, known), f"{type(error).__name__} of a write: {error}"


def said_nothing_done(harm: Harm) -> bool:
    """Whether the first line may have become one that says so."""
    return harm.insert is not None or bool(harm.line)


def same(one: Received, other: Received) -> bool:
    """Whether two requests ask for the same."""
    return (one.method, one.target, one.body) == (other.method, other.target, other.body)


@contextmanager
def staged(folder: Path, names: Iterable[str] = PLAYED) -> Iterator[Stage]:
    """Record calls with a sandbox, and open the stage."""
    with Parrot() as parrot:
        with serve(seed="demo") as sandbox:
            stage = Stage(parrot, folder / "files", token=sandbox.api_token)
            stage.record(sandbox.url, names)
        yield stage
        stage.session.close()
