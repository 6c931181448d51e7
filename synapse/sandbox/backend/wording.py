"""Say the backend's own sentences in the language that was asked for."""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language, gettext

KOREAN: Final = {
    "“%(value)s” is not a valid choice.": "“%(value)s”은/는 올바른 선택이 아닙니다.",
    'Invalid pk "%(pk)s" - object does not exist.': '유효하지 않은 pk "%(pk)s" - 객체가 존재하지 않습니다.',
    "Expected an object.": "객체여야 합니다.",
    "Expected a list.": "목록이어야 합니다.",
    "Expected a list of numbers.": "숫자의 목록이어야 합니다.",
    "An empty annotation cannot be submitted.": "빈 어노테이션은 제출할 수 없습니다.",
    "This object is still used by others.": "다른 객체가 사용 중인 객체입니다.",
    "This object contradicts one that already exists.": "이미 존재하는 객체와 충돌합니다.",
    "A value is outside of what can be stored.": "저장할 수 없는 값이 있습니다.",
    "The name “%(name)s” is given twice.": "이름 “%(name)s”이/가 중복되었습니다.",
    "Exactly one file specification must have is_primary.": (
        "is_primary인 파일 사양은 정확히 하나여야 합니다."
    ),
    "Exactly one file specification must have the function_type main.": (
        "function_type이 main인 파일 사양은 정확히 하나여야 합니다."
    ),
    "A file specification that units use cannot be taken away.": (
        "데이터 유닛이 사용 중인 파일 사양은 삭제할 수 없습니다."
    ),
    "A job cannot go from %(before)s to %(after)s.": (
        "작업 상태를 %(before)s에서 %(after)s(으)로 바꿀 수 없습니다."
    ),
    "The data unit is not of the project's data collection.": (
        "데이터 유닛이 프로젝트의 데이터 컬렉션에 속하지 않습니다."
    ),
    "No task can be made for this data unit.": "이 데이터 유닛으로는 태스크를 만들 수 없습니다.",
    "A task for this project and data unit already exists.": (
        "이 프로젝트와 데이터 유닛의 태스크는 이미 존재합니다."
    ),
    "This object belongs to the platform.": "플랫폼 소유의 객체입니다.",
    "An agent is nobody.": "에이전트는 사용자가 아닙니다.",
    "Expected read or write.": "read 또는 write여야 합니다.",
}


def say(text: str, **values: object) -> str:
    """Return *text*, with *values* in it, in the language of the request."""
    korean = KOREAN.get(text) if (get_language() or "").startswith("ko") else None
    words = korean or gettext(text)
    return words % values if values else words
