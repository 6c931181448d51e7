"""Which session is current."""

from __future__ import annotations

import asyncio
import threading

import pytest

from synapse.errors import ConfigError
from synapse.session import Session, current, current_if_any, set_default, set_factory
from synapse.session.scope import leave

HOST = "https://api.example.com"


@pytest.fixture
def session() -> Session:
    """Return a session that never sends."""
    return Session(HOST, api_token="t")


class TestCurrent:
    def test_says_what_to_do_without_a_session(self) -> None:
        """With no session and nothing to make one of, the error says what to do."""
        with pytest.raises(ConfigError, match=r"there is no session: use synapse\.connect\(…\).*no host"):
            current()

        assert current_if_any() is None

    def test_makes_a_default_out_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first use makes the default session of the environment, once."""
        monkeypatch.setenv("SYNAPSE_HOST", HOST)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "t")

        assert HOST == current().host
        assert current() is current()

    def test_makes_the_default_by_the_factory(self, session: Session) -> None:
        """A higher layer says how the default is made."""
        set_factory(lambda: session)

        assert session is current()

    def test_prefers_the_innermost_block(self, session: Session) -> None:
        """Blocks nest, and the end of each restores what was current before."""
        default, outer = Session(HOST, api_token="a"), Session(HOST, api_token="b")
        set_default(default)
        with outer:
            with session:
                assert session is current()
            assert outer is current()

        assert default is current()

    def test_lets_a_session_be_entered_twice(self, session: Session) -> None:
        """A session may be entered again inside its own block, and stays open after it."""
        with session, session:
            pass

        assert (None, False) == (current_if_any(), session.closed)

    def test_is_seen_in_its_own_thread_only(self, session: Session) -> None:
        """Another thread does not see the session of a block."""
        seen: list[Session | None] = []
        with session:
            thread = threading.Thread(target=lambda: seen.append(current_if_any()))
            thread.start()
            thread.join()

        assert [None] == seen

    def test_is_seen_in_its_own_task_only(self, session: Session) -> None:
        """Two tasks that take turns each see their own session."""
        other = Session(HOST, api_token="o")

        async def look(own: Session) -> bool:
            with own:
                await asyncio.sleep(0)
                return current() is own

        async def both() -> list[bool]:
            return await asyncio.gather(look(session), look(other))

        assert [True, True] == asyncio.run(both())

    def test_forgives_leaving_what_was_not_entered(self, session: Session) -> None:
        """Leaving a session that is not current changes nothing."""
        with session:
            leave(Session(HOST, api_token="o"))

            assert session is current()


class TestSetDefault:
    def test_returns_the_session_it_replaces(self, session: Session) -> None:
        """The former default is handed back, so that it can be closed."""
        assert set_default(session) is None
        assert session is set_default(None)
