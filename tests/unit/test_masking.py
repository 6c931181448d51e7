"""What must not show."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle

from typing import Any
from urllib.parse import quote

import pytest

from synapse.errors import ConfigError
from synapse.masking import Masker, Secret, conceal, mask_body


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://h/a?page=2", "https://h/a?page=2"),
            ("https://h/a?token=x&page=2", "https://h/a?token=***&page=2"),
            (
                "https://h/a?X-Amz-Signature=x&X-Amz-Credential=y",
                "https://h/a?X-Amz-Signature=***&X-Amz-Credential=***",
            ),
            ("https://h/a?sv=1&sig=x", "https://h/a?sv=1&sig=***"),
            ("/a?url=https:%2F%2Fh%2F%3Fsig%3Dx&page=2", "/a?url=***&page=2"),
            ("/a?url=https:%2F%2Fh%2F%3Fpage%3D1", "/a?url=https:%2F%2Fh%2F%3Fpage%3D1"),
            ("https://user:word@h/a", "https://***@h/a"),
            ("/agents/0123abc/connect/", "/agents/***/connect/"),
            ("/agents/7/", "/agents/7/"),
        ],
    )
    def test_hides_what_signs(self, url: str, expected: str) -> None:
        """Signatures, tokens, user information and an agent's token are hidden; the rest stays."""
        assert expected == Masker().url(url)


class TestText:
    def test_hides_the_own_tokens(self) -> None:
        """The session's tokens are hidden wherever they stand, quoted ones too."""
        assert "a *** b ***" == Masker(["x+y/z+1234"]).text("a x+y/z+1234 b x%2By%2Fz%2B1234")

    def test_leaves_words_that_hold_a_very_short_token(self) -> None:
        """A token of a few letters does not riddle every message."""
        assert "GET /tasks/" == Masker(["task"]).text("GET /tasks/")

    def test_shows_no_secret_of_its_own(self) -> None:
        """A masker does not show what it hides."""
        assert "s3cret-token" not in repr(Masker(["s3cret-token"]))


class TestBody:
    def test_hides_secret_keys_at_any_depth(self) -> None:
        """Values whose keys look secret are hidden; the body itself is left alone."""
        body = {"name": "s3", "meta": [{"access_key": "x", "secret": {"a": 1}, "password": "y", "tokens": 1}]}
        hidden = {"access_key": "***", "secret": "***", "password": "***", "tokens": "***"}

        assert {"name": "s3", "meta": [hidden]} == mask_body(body)
        assert {"a": 1} == body["meta"][0]["secret"]

    @pytest.mark.parametrize(
        "key", ["account_key", "AccountKey", "connection_string", "otp_code", "otp", "passphrase", "sas"]
    )
    def test_knows_the_keys_of_every_provider(self, key: str) -> None:
        """What storages call their credentials is hidden."""
        assert {key: "***"} == mask_body({key: "x"})

    def test_hides_a_configuration_whole(self) -> None:
        """A storage's settings are hidden under whatever names they have."""
        assert {"configuration": "***"} == mask_body({"configuration": {"host": "h", "pin": 1}})

    def test_hides_what_signs_an_address(self) -> None:
        """An address inside a body loses its signature, a known token wherever it stands."""
        body = ["https://h/a?sig=x&page=2", "no s3cret-token here", 7, None]

        assert ["https://h/a?sig=***&page=2", "no *** here", 7, None] == Masker(["s3cret-token"]).body(body)

    def test_hides_what_is_nested_too_deeply(self) -> None:
        """A value that cannot be looked through is not shown."""
        body: list[object] = []
        for _ in range(100_000):
            body = [body]

        assert "***" == mask_body(body)


class TestRefusal:
    def test_keeps_what_is_said_about_a_field(self) -> None:
        """Messages stay, and values that the backend repeats do not."""
        body = {"configuration": {"secret_key": ["required"], "pin": "x"}, "detail": "see https://h/?sig=x"}
        kept = {
            "configuration": {"secret_key": ["required"], "pin": "***"},
            "detail": "see https://h/?sig=***",
        }

        assert kept == Masker().refusal(body)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"id": 3, "token": "ab\\"c', '{"id": 3, "token": ***'),
            ('{"id": 3, "secret_key": 5, "a": 1', '{"id": 3, "secret_key": ***, "a": 1'),
            ('{"configuration": {"host": "h", "pin": 1}}', '{"configuration": ***'),
            ("<a href='https://h/a?sig=x'>moved</a>", "<a href='https://h/a?sig=***'>moved</a>"),
        ],
        ids=["cut off", "number", "configuration", "page"],
    )
    def test_hides_what_looks_secret(self, text: str, expected: str) -> None:
        """Text that is no whole JSON is masked all the same."""
        assert expected == Masker().words(text)


TOKEN = 'syn_"a/b&c"\\0123456789'


class TestForms:
    @pytest.mark.parametrize(
        "form",
        [
            TOKEN,
            quote(TOKEN, safe=""),
            quote(TOKEN, safe="").lower(),
            quote(quote(TOKEN, safe=""), safe=""),
            json.dumps(TOKEN),
            json.dumps(TOKEN).replace("/", r"\/"),
            html.escape(TOKEN),
            *(base64.b64encode(f"{before}{TOKEN}:p".encode()).decode() for before in ("", "u", "u:", "me:")),
            base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("="),
        ],
        ids=[
            "bare",
            "percent",
            "lower",
            "twice",
            "json",
            "slash",
            "html",
            "b64-0",
            "b64-1",
            "b64-2",
            "b64-3",
            "url",
        ],
    )
    def test_knows_a_token_however_it_was_written(self, form: str) -> None:
        """What an address, JSON, a page or an encoded header makes of a token is hidden as well."""
        shown = Masker((TOKEN,)).text(f"before {form} after")

        assert ("before ", " after") == (shown[:7], shown[-6:])
        assert len(shown) <= len("before  after") + 20


class TestSecret:
    def test_is_used_as_it_is(self) -> None:
        """It is the text itself, for whoever sends it."""
        assert ("syn_0", 5, b"syn_0", hash("syn_0")) == (
            str(Secret("syn_0")),
            len(Secret("syn_0")),
            Secret("syn_0").encode("latin-1"),
            hash(Secret("syn_0")),
        )

    @pytest.mark.parametrize(
        "show",
        [repr, ascii, lambda secret: f"{[secret]} { ({'a': secret}) }", lambda secret: repr(secret[:80])],
        ids=["repr", "ascii", "containers", "cut off"],
    )
    def test_is_not_shown(self, show: Any) -> None:
        """What lists variables, whole or cut off, shows three stars."""
        shown = show(conceal("s3cret" * 30))

        assert "***" in shown
        assert "s3cret" not in shown

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_stays_a_secret_when_copied(self, copied: Any) -> None:
        """A copy of a value that holds it shows it no more than the value itself."""
        assert "['***']" == repr(copied([Secret("s3cret")]))

    def test_is_not_pickled(self) -> None:
        """A pickle would hold it in the open: the error says what to do instead."""
        with pytest.raises(ConfigError, match="^a token is not pickled: pickle the session"):
            pickle.dumps([Secret("s3cret")])

    def test_leaves_other_values_alone(self) -> None:
        """Only text is concealed, alone or in a mapping."""
        assert (None, b"x", {"a": Secret("x"), "b": 1}) == (
            conceal(None),
            conceal(b"x"),
            conceal({"a": "x", "b": 1}),
        )
