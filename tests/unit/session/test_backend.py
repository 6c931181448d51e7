"""Which backend something belongs to, and its several addresses."""

from __future__ import annotations

import pickle

import pytest

from synapse.errors import ConfigError
from synapse.session import Backend, Session

HOST, OTHER, THIRD = "https://api.example.com", "http://10.0.0.5:8000", "https://stage.example.com"


def opened(host: str = HOST, **settings: object) -> Session:
    """Open a session that never sends."""
    return Session(host, api_token="t", **settings)  # type: ignore[arg-type]


class TestBackend:
    def test_is_the_same_at_any_of_its_addresses(self) -> None:
        """An alias of either side will do."""
        one, other = Backend(HOST), Backend(OTHER, aliases=frozenset({HOST}))

        assert [True, True, False] == [one.is_at(other), other.is_at(one), one.is_at(Backend(THIRD))]

    @pytest.mark.parametrize(
        ("tenants", "same"),
        [(("a", "a"), True), (("a", None), True), ((None, "a"), True), (("a", "b"), False)],
    )
    def test_is_one_workspace_unless_both_name_another(
        self, tenants: tuple[str | None, str | None], same: bool
    ) -> None:
        """A token alone does not say which it leads to."""
        assert same is Backend(HOST, tenants[0]).holds(Backend(HOST, tenants[1]))


class TestAliases:
    def test_are_those_that_were_given(self) -> None:
        """In the one spelling that addresses have, without the session's own."""
        session = opened(aliases=["HTTP://10.0.0.5:8000/", HOST])

        assert frozenset({OTHER}) == session.backend.aliases

    @pytest.mark.parametrize(
        ("variable", "expected"),
        [
            (f"{HOST},{OTHER}", {OTHER}),
            (f"{THIRD}/, {HOST}/ ,{OTHER};https://a.example,https://b.example", {THIRD, OTHER}),
            (f"{OTHER},{THIRD}", set()),
            ("", set()),
        ],
    )
    def test_are_those_of_the_environment(
        self, variable: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Groups that the session's host is in."""
        monkeypatch.setenv("SYNAPSE_HOST_ALIASES", variable)

        assert expected == opened().backend.aliases

    @pytest.mark.parametrize(
        "variable", [f"{HOST}={OTHER}", "nonsense", f"{HOST} {OTHER}", OTHER, f"{HOST},nonsense"]
    )
    def test_that_cannot_be_read_are_refused(self, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A check that is off without a word would be worse."""
        monkeypatch.setenv("SYNAPSE_HOST_ALIASES", variable)

        with pytest.raises(ConfigError, match="SYNAPSE_HOST_ALIASES"):
            opened()

    @pytest.mark.parametrize("given", [OTHER, 5, ["nonsense"]])
    def test_are_a_list_of_addresses(self, given: object) -> None:
        """Anything else is refused."""
        with pytest.raises(ConfigError, match="aliases"):
            opened(aliases=given)

    def test_travel_with_the_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pickled session knows them where it is loaded."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "t")

        assert frozenset({OTHER}) == pickle.loads(pickle.dumps(opened(aliases=[OTHER]))).backend.aliases
