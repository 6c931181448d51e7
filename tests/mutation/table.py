"""The mutations: one way each in which a promise of SECURITY.md could be broken, and the test that must notice.

A text stands for the one place in the package that has it, wherever that moves; a test is named as it is there,
behind the path of its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.mutation.promises import Promise, promises


class Mutation(NamedTuple):
    """What is written in place of what."""

    words: str
    old: str
    new: str
    test: str

    @property
    def promise(self) -> Promise:
        """The line of SECURITY.md that begins so."""
        (found,) = [each for each in promises() if each.words.startswith(self.words)]
        return found

    @property
    def address(self) -> str:
        """What pytest is given."""
        found = self.promise.proof(self.test)
        assert found is not None, f"{self.test} is no proof of {self.words!r}: {self.promise.proofs}"
        return found

    def __str__(self) -> str:
        return f"{self.words}: {self.old.strip()!r} -> {self.new.strip()!r} ({self.test})"


ASK_NETRC: Final = "request.prepare_auth(requests.utils.get_netrc_auth(attempt.url), attempt.url)"

# For each promise, by its first words: the text, what stands there instead, the test.
TABLE: Final[dict[str, list[tuple[str, str, str]]]] = {
    "A token goes to the origin": [
        (
            "return self._settings.base.follow(location, start=url)",
            "return urljoin(url, location)",
            "TestEveryCall::test_led_away_by_a_redirect",
        ),
        (
            'asked = {**self.transport.plain, "Accept-Encoding": "identity"',
            'asked = {**self.transport.signed, "Accept-Encoding": "identity"',
            "TestFiles",
        ),
        (
            'headers = {**delivery.transport.plain, "Content-Length"',
            'headers = {**delivery.transport.signed, "Content-Length"',
            "TestUploads::test_to_a_signed_address_carry_no_token",
        ),
    ],
    "Neither does another spelling": [
        (
            "if other != self.origin:",
            "if not other.startswith(self.origin):",
            "TestSpellings::test_that_only_look_like_the_own_host_are_refused",
        ),
        ('return name.rstrip(".")', "return name", "TestSpellings::test_of_the_own_host_are_followed"),
        (
            "name = idna.encode(name, uts46=True).decode()",
            "pass",
            "TestSpellings::test_of_the_own_host_are_followed",
        ),
        (
            'else f"{scheme}://{host}:{port}"',
            'else f"{scheme}://{host}"',
            "TestSpellings::test_that_only_look_like_the_own_host_are_refused",
        ),
    ],
    "Passwords in `.netrc`": [
        (
            "request.headers = _Headers(attempt.headers)",
            f"request.headers = _Headers(attempt.headers); {ASK_NETRC}",
            "TestNetrc",
        ),
        (
            "request.headers = _Headers(attempt.headers)",
            f"request.headers = _Headers(attempt.headers); attempt.streamed and {ASK_NETRC}",
            "TestNetrc",
        ),
        (
            "if parts.username is None:\n            return {}",
            "if False:\n            return {}",
            "TestNetrc",
        ),
    ],
    "TLS is verified": [
        (
            "url, given, None, verify, cert)",
            "url, given, None, False, cert)",
            "TestCertificates::test_of_an_unknown_authority_hear_no_call",
        ),
        (
            'super().cert_verify(conn, f"{conn.scheme}:", *args[1:], **kwargs)',
            'super().cert_verify(conn, f"{conn.scheme}:", False, None)',
            "TestCertificates::test_of_an_unknown_authority_hear_no_call",
        ),
    ],
    "A token, a proxy's password": [
        ("self._masker.learn(secrets_of(found.proxies))", "pass", "TestRefusals"),
        (
            "self._masker.url(attempt.shown),\n            outcome.status",
            "attempt.url,\n            outcome.status",
            "test_nothing_shows_a_secret",
        ),
        (
            "record.msg, record.args = masker.words(said), ()",
            "pass",
            "test_nothing_shows_a_secret",
        ),
        (
            "proxies = {name: shown(url) for name, url in (self.proxies or {}).items()}",
            "proxies = dict(self.proxies or {})",
            "test_nothing_shows_a_secret",
        ),
        ("user_token, proxies = conceal(user_token), conceal(proxies)", "pass", "TestRefusals"),
        ("return repr(HIDDEN)", "return str.__repr__(self)", "TestShownVariables"),
        (
            "return Secret(super().__getitem__(index))",
            "return super().__getitem__(index)",
            "TestShownVariables::test_rich_hides_it",
        ),
    ],
    "Neither does Ctrl-C": [
        ("strip_frames(error, before, keep=BodyReader.read.__code__)", "pass", "TestInterrupts"),
        ("each.__traceback__ = _from(each.__traceback__, keep)", "pass", "TestInterrupts"),
    ],
    "What a backend says is told": [
        ("each if each.isprintable() or (lines", "each if True or (lines", "TestWords"),
        (
            "each if each.isprintable() or (lines",
            "each if True or (lines",
            "TestWhoami::test_leaves_a_terminal_alone",
        ),
    ],
    "A file of `synapse login`": [
        ("mask = 0o077 if secret else writable", "mask = writable", "TestWarning"),
        ("if found.st_uid != os.geteuid():", "if False:", "TestWarning"),
        ("if stat.S_IMODE(found.st_mode) & forbidden:", "if False:", "TestWarning"),
    ],
    "A token with a line break": [
        ('if not all("!" <= character <= "~" for character in value):', "if False:", "test_config.py"),
        ('"!" <= character <= "~"', '" " <= character <= "~"', "test_config.py"),
        ('"!" <= character <= "~"', '"!" <= character', "test_config.py"),
    ],
    "`synapse login` writes": [
        ("Path(name).chmod(0o600)", "Path(name).chmod(0o644)", "TestLogIn::test_is_for_its_user_alone"),
        (
            "path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)\n    if os.name",
            "path.parent.mkdir(parents=True, exist_ok=True)\n    if False and os.name",
            "TestLogIn",
        ),
        ("Path(name).replace(real)", "real.write_text(text)", "TestLogIn"),
    ],
    "A key can't walk": [
        ('encoded = quote(text, safe="@")', "encoded = text", "TestTextKeys"),
        ('encoded = quote(text, safe="@")', 'encoded = quote(text, safe="@/")', "TestTextKeys"),
        ('if text in ("", ".", "..") or value is None:', "if value is None:", "TestTextKeys"),
        ('if _DOTS.search(relative.partition("?")[0]):', "if False:", "TestTextKeys"),
    ],
    "A session with a plain": [
        ("_unencrypted.add(origin)", "pass", "TestUnencrypted"),
        ("warn_unencrypted(self.origin)", "pass", "TestUnencrypted"),
        ("return meant.is_loopback or meant.is_unspecified", "return meant.is_private", "TestUnencrypted"),
    ],
    "A file is held against": [
        (
            "if self.size is not None and size != self.size:\n            raise TransferError(",
            "if False:\n            raise TransferError(",
            "TestEveryDoor",
        ),
        ("if expected is not None and digest not in (None, expected.digest):", "if False:", "TestEveryDoor"),
        (
            "return bool(named) and named == self.validator",
            "return not named or named == self.validator",
            "TestRange::test_that_does_not_fit_begins_anew",
        ),
        (
            "self.version.is_repeated(answer.headers) and self.version.agrees_with(named)",
            "self.version.is_repeated(answer.headers)",
            "TestRange::test_that_does_not_fit_begins_anew",
        ),
        (
            "if of == fetch.url_digest and version.validator and size",
            "if version.validator and size",
            "TestNextCall",
        ),
    ],
    "A download writes into": [
        (
            'last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]',
            'last = unicodedata.normalize("NFC", name)',
            "test_file_names.py",
        ),
        (
            'if tidy.startswith(".") or _DEVICES.fullmatch(tidy):',
            "if _DEVICES.fullmatch(tidy):",
            "test_file_names.py",
        ),
        (
            "if folder.resolve().is_relative_to(root.resolve()):",
            "if True:",
            "TestPlaces::test_never_lead_through_a_link",
        ),
        (
            'last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]',
            'last = unicodedata.normalize("NFC", name)',
            "test_name_of_the_backend",
        ),
        ("if found.st_nlink != 1:", "if False:", "TestNextCall"),
        ('if step.strip() not in ("", ".", ".."))', "if step.strip())", "test_file_names.py"),
    ],
    "An answer is bounded": [
        ("if found.tell() + len(block) > most:", "if False:", "test_the_limit_is_a_setting"),
        (
            "if not self._bounded:\n            return self._receive(buffer)",
            "if True:\n            return self._receive(buffer)",
            "test_what_floods_ends",
        ),
        (
            "most = most_values(self._settings.max_answer)",
            "most = 10**12",
            "TestRoom::test_refuses_more_values_than_memory_should_hold",
        ),
    ],
    "A write whose outcome": [
        ("503: _GATEWAY,", "503: _BUSY,", "test_cell"),
        ("502: _GATEWAY,", "502: _BUSY,", "test_cell"),
        (
            "_FAILURE: Final = Rule(Effect.UNKNOWN, Effect.UNKNOWN)",
            "_FAILURE: Final = Rule(Effect.NOT_DONE, Effect.NOT_DONE)",
            "test_cell",
        ),
        (
            "return Rule(Effect.UNKNOWN if acted else others, others,",
            "return Rule(others, others,",
            "test_broken_once",
        ),
        (
            "twice = attempt.method in IDEMPOTENT and not attempt.once",
            "twice = not attempt.once",
            "test_is_sent_once",
        ),
    ],
    "A journal in which": [
        (
            'if line[seal.end() :] != b"\\n" or seal[1] != b"%08x" % crc:',
            "if False:",
            "TestFlips::test_of_any_bit_are_damage",
        ),
        (
            "crc = zlib.crc32(line[: seal.start()], self._crc)\n            if",
            "crc = zlib.crc32(line[: seal.start()], 0)\n            if",
            "TestFlips::test_a_line_that_is_missing_is_noticed",
        ),
        ("self._check_cut(line, number)\n                    break", "break", "test_journal_flips.py"),
        ("if self._sealed != bool(seal):", "if False:", "TestFlips::test_of_any_bit_are_damage"),
    ],
    "What belongs to one backend": [
        (
            "made = type(self)(self.entity, query=query, session=session or self._session)",
            "made = type(self)(self.entity, query=query, session=session)",
            "TestCopies",
        ),
        (
            "made._initial, made._made_for = initial, next(iter(made_for), None)",
            "made._initial = initial",
            "TestPickles",
        ),
        (
            "if backend is not None and not session.backend.is_at(backend):",
            "if False:",
            "test_objects_of_another_backend_are_refused",
        ),
        (
            "return self.is_at(other) and (unknown or self.tenant == other.tenant)",
            "return self.is_at(other)",
            "TestPickles::test_keep_to_their_workspace",
        ),
    ],
    "Whatever a backend answers": [
        ('raise ValueError("nested too deeply") from None', "raise", "faults/test_answers.py"),
        (
            "if offset is None or not 0 <= offset <= self.source.size or url is None:",
            "if False:",
            "faults/test_answers.py",
        ),
        (
            "with contextlib.suppress(ValueError):\n                if not crowded:",
            "with contextlib.suppress(KeyError):\n                if not crowded:",
            "fuzz/test_answers.py",
        ),
    ],
    "The sandbox's data folder": [
        ("_close(folder.resolve())", "pass", "TestPrivacy"),
        ("os.umask(0o077)", "os.umask(0o022)", "TestPrivacy"),
        (
            'if not compare_digest(request.GET.get("sig", "").encode(), signature_of(path).encode()):',
            "if False:",
            "TestSignature",
        ),
        ('"ALLOWED_HOSTS": list(hosts),', '"ALLOWED_HOSTS": ["*"],', "TestHosts"),
    ],
    "No schema that a user": [
        (
            'return _elsewhere("[{},{}]".format(*texts)) if risky else _here(schema, metas)',
            "return _here(schema, metas)",
            "TestRefusals::test_schema_that_takes_for_ever",
        ),
        (
            """RISKY: Final = ('"pattern', '"$ref"', 'Ref"', '"uniqueItems"',""",
            """RISKY: Final = ('"pattern', '"$ref"', 'Ref"',""",
            "TestRefusals::test_schema_that_takes_for_ever",
        ),
        (
            "if len(text) > MOST_VALUES and sum(map(text.count",
            "if False and sum(map(text.count",
            "TestBodies::test_hold_no_more_values_than_memory_should",
        ),
        (
            "max_request_body_size=MOST_IN_ALL,",
            "max_request_body_size=1 << 40,",
            "TestBodies::test_of_files_are_bounded",
        ),
        (
            '"DATA_UPLOAD_MAX_NUMBER_FILES": MOST_FILES,',
            '"DATA_UPLOAD_MAX_NUMBER_FILES": None,',
            "TestBodies",
        ),
    ],
    "The wheel holds": [
        (
            'packages = ["synapse"]',
            'packages = ["synapse"]\nreproducible = false',
            "test_is_the_same_each_time",
        ),
        (
            'packages = ["synapse"]',
            'packages = ["synapse", "tests"]',
            "test_holds_the_package_and_its_metadata_only",
        ),
    ],
}


def _mutations() -> Iterator[Mutation]:
    for words, rows in TABLE.items():
        for old, new, test in rows:
            yield Mutation(words, old, new, test)


MUTATIONS: Final = tuple(_mutations())
