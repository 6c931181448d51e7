"""How many rows to ask for at once: as many as come within a second or two, in a body that is no burden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from synapse.orm.pages import Answer

LARGEST: Final = 1_000
BYTES: Final = 1 << 20
QUICK: Final = 0.5
SLOW: Final = 2.0
SMALLEST: Final = 10


class Sizing:
    """The page size of one walk. `size` is what to ask for, `real` what a page is known to hold at most."""

    def __init__(self, size: int, *, most: int | None = None) -> None:
        self.size = self._usual = size
        self.most = max(size, LARGEST) if most is None else most
        self._cap: int | None = None

    @property
    def real(self) -> int:
        """The number of rows that a full page brings."""
        return self.size if self._cap is None else min(self.size, self._cap)

    @property
    def hoped(self) -> int:
        """The number of rows to cut a range for: twice what a page held is two pages, if it can really hold no more."""
        return min(self.size, 2 * self.real)

    def note(self, answer: Answer, *, asked: int, more: bool, long: bool) -> None:
        """Learn from a page: *more* says that it could not hold all, *long* that there are many more like it."""
        rows = len(answer.page.rows)
        if more and 0 < rows < asked:
            # Some backends give fewer rows now and then: the fullest page tells what they allow.
            self._cap = max(rows, self._cap or 0)
        elif self._cap is not None and rows > self._cap:
            self._cap = rows
        if answer.seconds > SLOW:
            self._ask_for_half(asked)
        elif long and asked == self.real and 2 * rows >= asked and self._quick(answer):
            self.size = min(2 * asked, self.most)

    def shrink(self, asked: int) -> None:
        """Ask for no more than half of what did not come in time, and for no more than usual."""
        self._ask_for_half(asked)
        self.size = min(self.size, self._usual)

    def _ask_for_half(self, asked: int) -> None:
        self.size = min(self.size, max(asked // 2, min(SMALLEST, asked)))

    @staticmethod
    def _quick(answer: Answer) -> bool:
        return answer.seconds <= QUICK and 2 * (answer.size or 0) <= BYTES
