"""What must not show."""

from __future__ import annotations

import pytest

from synapse.session.masking import Masker, mask_body


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
        body = {
            "name": "s3",
            "configuration": [{"access_key": "x", "secret": {"a": 1}, "password": "y", "tokens": 1}],
        }
        hidden = {"access_key": "***", "secret": "***", "password": "***", "tokens": "***"}

        assert {"name": "s3", "configuration": [hidden]} == mask_body(body)
        assert {"a": 1} == body["configuration"][0]["secret"]
