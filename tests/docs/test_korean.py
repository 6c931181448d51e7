"""The Korean pages show the code of the English ones, use the terms of the glossary, and lead somewhere."""

from __future__ import annotations

import re
import subprocess

from pathlib import Path

import pytest

from tests.docs.behind import FENCE, KOREAN, ROOT, behind, blob, origin, take_code, translations
from tests.docs.test_differences import PAGE as DIFFERENCES
from tests.docs.test_differences import rows

PAGES = translations()
EXPLANATIONS = ROOT / "synapse" / "cli" / "explanations.ko.md"
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FORBIDDEN = re.compile(
    r"에러|태스크|게으른|당신|(?<![가-힣])우리|저장소|릴리즈|할당 ?작업|데이터 수집"
    r"|이/가|은/는|을/를|와/과|은\(는\)|이\(가\)|을\(를\)|\(으\)로"
)


def place(page: Path) -> str:
    """Name a Korean page by its path, which is that of its English page below docs/."""
    return page.relative_to(KOREAN).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=place)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """List the anchors of the headings of a page, as GitHub and the site make them."""
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in HEADING.findall(prose(page))}


def sections(page: Path) -> dict[str, str]:
    """Map each heading that is a code of an error to the text below it."""
    parts = re.split(r"^#{2,3} ([a-z-]+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {code: text.strip() for code, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="module")
def history() -> set[tuple[str, str]]:
    """Every version that a page of docs/ ever had: its path and its blob."""
    command = ["git", "log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", "docs/*.md"]
    log = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    shallow = ["git", "rev-parse", "--is-shallow-repository"]
    if log.returncode or "true" in subprocess.check_output(shallow, cwd=ROOT, text=True):
        pytest.skip("needs the history of the repository")
    return {(line.split("\t")[1], line.split()[3]) for line in log.stdout.splitlines()}


@every_page
def test_code_is_that_of_the_english_page(page: Path) -> None:
    """Each block of code is there, byte for byte; `python -m tests.docs.behind --code` takes it over."""
    english = (ROOT / origin(page)[0]).read_text(encoding="utf-8")

    assert FENCE.findall(english) == FENCE.findall(page.read_text(encoding="utf-8"))


@every_page
def test_origin_is_a_version_of_the_english_page(page: Path, history: set[tuple[str, str]]) -> None:
    """The comment below the title names a version that the page of that name has had."""
    path, version = origin(page)

    assert f"docs/{place(page)}" == path
    assert version in {each for name, each in history if name == path}


@pytest.mark.parametrize("page", [*PAGES, EXPLANATIONS], ids=lambda page: page.name)
def test_terms_are_those_of_the_glossary(page: Path) -> None:
    """No page has a word that the glossary rules out."""
    assert [] == FORBIDDEN.findall(prose(page))


@every_page
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    """Every link names a file that exists, and where it has an anchor, a heading of it."""
    broken = []
    for path, anchor in LINK.findall(prose(page)):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")

    assert [] == broken


@every_page
def test_links_stay_in_korean_where_they_can(page: Path) -> None:
    """A link to a page that is there in Korean leads to the Korean one."""
    docs = KOREAN.parent
    targets = [(page.parent / path).resolve() for path, _ in LINK.findall(prose(page)) if path]
    english = [each for each in targets if docs in each.parents and KOREAN not in each.parents]

    assert [] == [each for each in english if (KOREAN / each.relative_to(docs)).is_file()]


def test_differences_from_django_show_the_code_of_the_english_page() -> None:
    """Both columns of code are those of the English page, whose rows the tests run."""
    english, korean = (
        [(row.django, row.instead) for row in rows(page)] for page in (DIFFERENCES, KOREAN / DIFFERENCES.name)
    )

    assert english == korean


def test_errors_page_says_what_synapse_explain_says() -> None:
    """The texts of the codes are those that `synapse explain --language ko` prints."""
    assert sections(EXPLANATIONS) == sections(KOREAN / "errors.md")


def test_a_page_is_behind_once_its_english_page_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`behind()` lists what was made from another version than the present one."""
    monkeypatch.setattr("tests.docs.behind.ROOT", tmp_path)
    monkeypatch.setattr("tests.docs.behind.KOREAN", tmp_path / "docs" / "ko")
    (tmp_path / "docs" / "ko").mkdir(parents=True)
    english, korean = tmp_path / "docs" / "a.md", tmp_path / "docs" / "ko" / "a.md"
    english.write_text("# A\n", encoding="utf-8")
    korean.write_text(f"# 가\n<!-- of: docs/a.md {blob(english)} -->\n", encoding="utf-8")
    assert [] == behind()

    english.write_text("# B\n", encoding="utf-8")

    assert [korean] == behind()


def test_code_is_taken_over_from_the_english_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`take_code()` replaces the blocks and leaves the text."""
    monkeypatch.setattr("tests.docs.behind.ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\n```sh\nb\n```\n", encoding="utf-8")
    korean = tmp_path / "a.md"
    korean.write_text(f"# 가\n<!-- of: docs/a.md {40 * '0'} -->\n\n```sh\na\n```\n나\n", encoding="utf-8")

    take_code(korean)

    assert korean.read_text(encoding="utf-8").endswith("-->\n\n```sh\nb\n```\n나\n")
