"""Faults on demand: what a sandbox is told to do wrong, and which request it hits.

`latency=50ms,429=0.05,503@after=0.02,drop=0.01`: every answer comes 50 ms late; one request of twenty is refused with
429; one of fifty is done and then answered by 503, and of one of a hundred the connection is closed without an answer.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import secrets

from pathlib import Path
from typing import Final

import attrs

AFTER: Final = "@after"
BEFORE: Final = "@before"
LATENCY: Final = "latency"
DROP: Final = "drop"
RETRY_AFTER: Final = "retry-after"
SEED: Final = "seed"
NAMES: Final = (LATENCY, LATENCY + AFTER, DROP, DROP + AFTER, RETRY_AFTER, SEED)
LONGEST_WAIT: Final = 600.0
# A gateway says these while the backend may have done the work; any other refusal below 500 says that nothing was done.
POSSIBLE_AFTER: Final = (408, 425, 499)
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s)", re.ASCII)
EXAMPLE: Final = "latency=50ms,429=0.05,503@after=0.02,drop=0.01,seed=7"


FILE: Final = "faults.txt"
"""Where a sandbox looks, in its data folder, before it answers; so faults can be changed while it runs."""


class FaultsError(ValueError):
    """A description of faults can't be read."""


@attrs.frozen
class Fault:
    """One thing that goes wrong: a status, or a connection that is dropped, before or after the work is done."""

    status: int | None
    share: float
    after: bool = False

    @property
    def name(self) -> str:
        """What goes wrong, without how often."""
        return f"{self.status or DROP}{AFTER * self.after}"


@attrs.frozen
class Faults:
    """All that goes wrong, and the seed that says when."""

    faults: tuple[Fault, ...] = ()
    latency: float = 0.0
    latency_after: float = 0.0
    retry_after: int = 1
    seed: int = attrs.field(factory=lambda: secrets.randbelow(1_000_000))

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read `latency=50ms,429=0.05,503@after=0.02,drop=0.01,retry-after=1s,seed=7`; each of them may be left out."""
        found = cls()
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = item.partition("=")
            found = found._with(name.strip().lower().removesuffix(BEFORE), value.strip(), item)
        return found

    def __bool__(self) -> bool:
        return bool(self.faults or self.latency or self.latency_after)

    def __str__(self) -> str:
        parts = [f"{LATENCY}={self.latency * 1000:g}ms"] if self.latency else []
        parts += [f"{LATENCY}{AFTER}={self.latency_after * 1000:g}ms"] if self.latency_after else []
        parts += [f"{fault.name}={fault.share:g}" for fault in self.faults]
        parts += [f"{RETRY_AFTER}={self.retry_after}s"] if self.retry_after != 1 else []
        return ",".join([*parts, f"{SEED}={self.seed}"]) if parts else ""

    def hitting(self, request: str, number: int) -> Fault | None:
        """Return the fault that hits a request when it comes for the *number*th time.

        That depends on the seed and on these two only, so that threads in another order change nothing.
        """
        for fault in self.faults:
            text = f"{self.seed}\n{fault.name}\n{number}\n{request}".encode()
            drawn = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**64
            if drawn < fault.share:
                return fault
        return None

    def _with(self, name: str, value: str, item: str) -> Faults:
        bare, after = name.removesuffix(AFTER), name.endswith(AFTER)
        if bare == LATENCY:
            seconds = _seconds(value, item)
            return attrs.evolve(self, latency_after=seconds) if after else attrs.evolve(self, latency=seconds)
        if bare == DROP:
            return self._and(Fault(None, _share(value, item), after))
        if name == RETRY_AFTER:
            return attrs.evolve(self, retry_after=round(_seconds(value, item)))
        if name == SEED:
            return attrs.evolve(self, seed=_seed(value, item))
        if re.fullmatch("[45][0-9][0-9]", bare):
            return self._and(Fault(_status(int(bare), after=after), _share(value, item), after))
        raise FaultsError(f"{item!r} is no fault{_nearest(name)}: write them as in {EXAMPLE!r}")

    def _and(self, fault: Fault) -> Faults:
        kept = (each for each in self.faults if each.name != fault.name)
        return attrs.evolve(self, faults=(*kept, fault))


def read_faults(folder: Path) -> str:
    """Return what the sandbox that keeps everything in *folder* is told to do wrong."""
    try:
        return (folder / FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def write_faults(folder: Path, text: str) -> str:
    """Tell the sandbox that keeps everything in *folder* what to do wrong, and return that with its seed."""
    faults = Faults.parse(text)
    # Renamed into place, so that no request meets one half of it.
    part = folder / f"{FILE}.part"
    with os.fdopen(
        os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(str(faults))
    part.replace(folder / FILE)
    return str(faults)


def _seconds(value: str, item: str) -> float:
    match = DURATION.fullmatch(value)
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else -1.0
    if not 0 <= seconds <= LONGEST_WAIT:
        raise FaultsError(f"{item!r} is no time: write 50ms, 1.5s, at most {LONGEST_WAIT:.0f}s")
    return seconds


def _share(value: str, item: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise FaultsError(f"{item!r} is no share of the requests: write a number from 0 to 1")
    return share


def _seed(value: str, item: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", value):
        raise FaultsError(f"{item!r} is no seed: write a whole number of at most 18 digits")
    return int(value)


def _nearest(name: str) -> str:
    status = re.match("[45][0-9][0-9](?![0-9])", name)
    names = (*NAMES, status[0], status[0] + AFTER) if status else NAMES
    return f" (did you mean {near[0]!r}?)" if (near := difflib.get_close_matches(name, names, 1)) else ""


def _status(status: int, *, after: bool) -> int:
    if after and status < 500 and status not in POSSIBLE_AFTER:
        possible = f"one of {POSSIBLE_AFTER}, or 500 and above"
        raise FaultsError(
            f"{status}{AFTER} would be a lie: {status} says that nothing was done. After the work comes {possible}"
        )
    return status
