"""The collector stands still while a page is made, and never longer."""

from __future__ import annotations

import gc
import os
import threading

from collections.abc import Iterator

import pytest

from synapse.session.process import renew_collector, undisturbed, waiting


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    """Start with a collector that works, as Python does."""
    assert gc.isenabled()
    yield
    gc.enable()


def test_stands_still_inside() -> None:
    """It goes on after the block, be it by an error."""
    with pytest.raises(KeyError), undisturbed():
        assert not gc.isenabled()
        raise KeyError

    assert gc.isenabled()


def test_stays_as_the_user_wants_it() -> None:
    """Who switched it off finds it switched off."""
    gc.disable()
    with undisturbed():
        pass

    assert not gc.isenabled()


def test_blocks_within_blocks_do_not_end_the_outer_one() -> None:
    """The outermost block decides."""
    with undisturbed():
        with undisturbed():
            pass
        assert not gc.isenabled()


def test_goes_on_while_a_block_waits() -> None:
    """An answer may take long: garbage is collected meanwhile."""
    with undisturbed():
        with waiting():
            assert gc.isenabled()
        assert not gc.isenabled()


def test_waiting_outside_of_a_block_changes_nothing() -> None:
    """Who switched it off finds it switched off, and nobody else's block ends."""
    gc.disable()
    with waiting():
        assert not gc.isenabled()

    assert not gc.isenabled()


def test_threads_leave_it_enabled() -> None:
    """Whatever order the blocks of several threads end in, it works in the end."""

    def work() -> None:
        for _ in range(2_000):
            with undisturbed():
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert gc.isenabled()


def test_is_renewed_only_where_it_stood_still() -> None:
    """A child goes on collecting, unless its parent's user did not want that."""
    with undisturbed():
        renew_collector()
        assert gc.isenabled()
    gc.disable()
    renew_collector()

    assert not gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_goes_on_in_a_forked_child() -> None:
    """A child that was forked inside a block of another thread would never see it end."""
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with undisturbed():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    child = os.fork()
    if not child:
        os._exit(0 if gc.isenabled() else 1)
    status = os.waitpid(child, 0)[1]
    done.set()
    thread.join()

    assert 0 == status
