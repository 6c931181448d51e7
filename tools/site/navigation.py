"""The order of the pages, and what the parts of the site are called."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

LANGUAGES: Final = {"en": "English", "ko": "한국어"}
PARTS: Final = {
    ("Start", "시작하기"): ["install", "tutorial", "differences-from-django"],
    ("Cookbook", "상황별 안내"): [
        "cookbook/README",
        *("cookbook/names", "cookbook/pictures", "cookbook/boxes", "cookbook/frames", "cookbook/torch"),
        *("cookbook/coco-and-yolo", "cookbook/notebook", "cookbook/ray", "cookbook/cron-and-airflow"),
        *("cookbook/ci", "cookbook/plugin-run", "cookbook/rework", "cookbook/from-backend-client"),
    ],
    ("Topics", "주제별 안내"): [
        *("queries", "writing", "files", "annotations", "tables", "formats", "clusters-and-storages"),
        *(
            "sessions",
            "generations",
            "async",
            "errors",
            "editor",
            "sandbox",
            "testing",
            "recovery",
            "migration",
            "extending",
        ),
    ],
    ("Reference", "레퍼런스"): [
        "reference/README",
        "api/README",
        *("command-line", "commands", "settings", "backend-client", "glossary"),
        "changelog",
    ],
    ("For reviewers", "검토하는 분께"): ["guarantees", "security", "performance"],
    ("For contributors", "기여하는 분께"): ["contributing", "architecture", "internals", "site"],
}
# Linked from other pages only.
BESIDE: Final = ["hardening"]
# Its pictures are a tenth of the site.
IN_ENGLISH_ALONE: Final = ["site.md"]
# Pages beside docs/, and what they are called on the site.
ROOT_PAGES: Final = {
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
UNTRANSLATED: Final = "이 페이지는 아직 한국어로 옮기지 않았습니다. 아래는 영어 원문입니다."


def contents(language: str, there: Collection[str]) -> str:
    """Write the tables of contents that the start page ends with, of the pages that are there."""
    trees, number = [], list(LANGUAGES).index(language)
    for captions, pages in PARTS.items():
        trees.append(
            "\n".join(
                [
                    "```{toctree}",
                    ":hidden:",
                    f":caption: {captions[number]}",
                    "",
                    *(each for each in pages if f"{each}.md" in there),
                    "```",
                ]
            )
        )
    return "\n\n".join(trees) + "\n"


def below(folder: str, there: Collection[str]) -> str:
    """Write the hidden table of contents of the pages in a folder beside its README."""
    pages = (each.removeprefix(f"{folder}/") for each in there if each.startswith(f"{folder}/"))
    names = sorted(each.removesuffix(".md") for each in pages if each != "README.md")
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```"]) + "\n"
