"""The package keeps the structure that `make structure` prints: the limits fall, and are never raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import structure
from tests.structure import Package

CYCLE = 1
PRIVATE_READS = 60
FILES_NAMING_A_GENERATION = 0
WIRE_WORDS = 19
FILES_IN_A_FOLDER = 30
COMMENT_SHARE = 0.035
READING = 43
UPLOADING = 58


@pytest.fixture(scope="module")
def package() -> Package:
    """The modules of the SDK, parsed once."""
    return Package()


def test_no_modules_import_each_other_in_a_circle(package: Package) -> None:
    """Imports make no circle, those for annotations and inside functions included."""
    assert [] == [group for group in structure.cycles(package) if len(group) > CYCLE]


def test_modules_leave_the_private_attributes_of_others_alone(package: Package) -> None:
    """Few places read an underscored attribute of an object that another module defines."""
    assert len(structure.foreign_private_reads(package)) <= PRIVATE_READS


def test_only_the_dialects_name_an_api_generation(package: Package) -> None:
    """Above the dialects nothing says v1, be it in a comment."""
    assert len(structure.naming_a_generation(package)) <= FILES_NAMING_A_GENERATION


def test_only_the_dialects_know_the_words_of_the_wire(package: Package) -> None:
    """Above the dialects hardly a string is a query parameter's name or a member of a page."""
    assert structure.wire_words(package).total() <= WIRE_WORDS


def test_no_folder_is_too_wide_to_read(package: Package) -> None:
    """A folder has as many files as can be read at one glance."""
    assert {} == {name: many for name, many in structure.files(package).items() if many > FILES_IN_A_FOLDER}


def test_the_hardest_modules_say_why(package: Package) -> None:
    """The ten modules with most branches have comments."""
    assert structure.comment_share(package, structure.hardest(package)) >= COMMENT_SHARE


def test_a_query_and_an_upload_enter_few_modules(tmp_path: Path) -> None:
    """Five rows with one relation's field, and an upload of two pictures, each stay within a few modules."""
    entered = {flow: len(modules) for flow, modules in structure.flows(tmp_path).items()}

    assert entered["five rows and one task.meta"] <= READING
    assert entered["collection.upload of two"] <= UPLOADING
