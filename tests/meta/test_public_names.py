"""Every name at the user's door is there, documented, and called by that name."""

from __future__ import annotations

import inspect

import synapse


def public_classes() -> list[type]:
    """Return the classes at the top level of the package."""
    found = (getattr(synapse, name) for name in synapse.__all__)
    return [value for value in found if inspect.isclass(value)]


def test_every_public_name_exists() -> None:
    """Each name in `synapse.__all__` can be read from the package."""
    assert [] == [name for name in synapse.__all__ if not hasattr(synapse, name)]


def test_public_names_are_listed_once() -> None:
    """No name stands twice in `synapse.__all__`."""
    assert len(set(synapse.__all__)) == len(synapse.__all__)


def test_dir_shows_every_public_name() -> None:
    """Completion offers names that are not loaded yet."""
    assert set() == set(synapse.__all__) - set(dir(synapse))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that the package does not have is refused in Python's own words."""
    assert not hasattr(synapse, "Projct")


def test_every_public_class_and_function_is_documented() -> None:
    """Each class and function at the top level has a docstring of its own."""
    values = {name: getattr(synapse, name) for name in synapse.__all__}
    ours = {name: value for name, value in values.items() if callable(value)}

    assert [] == [name for name, value in ours.items() if not vars(value).get("__doc__", value.__doc__)]


def test_every_public_method_is_documented() -> None:
    """Each public method and property of a class at the top level has a docstring."""
    found = [
        f"{owner.__name__}.{name}"
        for owner in public_classes()
        for name, value in vars(owner).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
        if not inspect.getdoc(getattr(owner, name))
    ]

    assert [] == found
