"""Read request bodies, and refuse what could be stored but never be sent back."""

from __future__ import annotations

import codecs
import json

from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from .limits import TooLarge
from .settings import MOST_VALUES

# How the characters that no database and no answer can hold are spelled in JSON.
SUSPECT = ("\\u0000", "\\ud", "\\uD")
# To decode them takes the square of the time that a text has characters.
QUADRATIC = ("idna", "punycode")


class JsonParser(JSONParser):
    """Read a JSON body in the encoding that its type names."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        encoding = (parser_context or {}).get("encoding") or settings.DEFAULT_CHARSET
        try:
            if codecs.lookup(encoding).name in QUADRATIC:
                raise LookupError(f"{encoding!r} is no encoding of JSON")
            return read_json(stream.read().decode(encoding))
        except (ValueError, LookupError) as error:
            raise ParseError(f"JSON parse error - {error}") from error


def read_json(text: str) -> Any:
    """Return the value that *text* stands for; a ValueError says what is wrong with it.

    `{},` takes 25 times its length as an object, so that the size of a body alone would not bound the memory for it.
    """
    if len(text) > MOST_VALUES and sum(map(text.count, "[{,")) > MOST_VALUES:
        raise TooLarge
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if any(spelling in text for spelling in SUSPECT):
            _refuse_broken(value)
    except RecursionError as error:
        raise ValueError("It is nested too deeply") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name!r}")


def _refuse_broken(value: Any) -> None:
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError("Null characters are not allowed")
    elif isinstance(value, list):
        for element in value:
            _refuse_broken(element)
    elif isinstance(value, dict):
        for key, element in value.items():
            _refuse_broken(key)
            _refuse_broken(element)
