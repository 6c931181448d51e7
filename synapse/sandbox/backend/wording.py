"""Say the backend's own sentences and names in the language that was asked for."""

from __future__ import annotations

from typing import Final

from django.utils.functional import lazy
from django.utils.translation import get_language, gettext

from .names import NAMES

KOREAN: Final = {
    **NAMES,
    "Synapse sandbox": "Synapse 샌드박스",
    "Everything in it": "들어 있는 모든 것",
    "Delete the selected rows": "선택한 행 삭제",
    "%(kind)s token of %(user)s": "%(user)s의 토큰(%(kind)s)",
    "assignment %(pk)s": "할당 %(pk)s",
    "review %(pk)s": "검수 %(pk)s",
    "%(user)s in %(tenant)s": "%(tenant)s의 %(user)s",
    "%(user)s as %(role)s": "%(user)s(%(role)s)",
    "application %(pk)s": "애플리케이션 %(pk)s",
    "event %(pk)s": "이벤트 %(pk)s",
    "ground truth %(pk)s": "정답 데이터 %(pk)s",
    "task %(pk)s": "작업 %(pk)s",
    "unit %(pk)s": "데이터 유닛 %(pk)s",
    (
        "A backend of the Synapse annotation platform on this machine, made for trying things out and for tests. "
        "It speaks the platform's wire contract; its data lies in one folder."
    ): (
        "이 컴퓨터에서 실행되는 Synapse 어노테이션 플랫폼의 백엔드입니다. 먼저 써 보거나 테스트할 때 사용합니다. "
        "플랫폼의 통신 규약을 따르며, 데이터는 폴더 하나에 있습니다."
    ),
    "Connect": "연결하기",
    "the token that the sandbox printed when it started": "샌드박스가 시작할 때 출력한 토큰",
    "Admin page": "관리자 페이지",
    "every table, with the user name and password that were printed as well.": (
        "모든 표를 볼 수 있습니다. 함께 출력된 사용자 이름과 비밀번호로 로그인하십시오."
    ),
    "It has been told to do wrong:": "지금 일으키는 장애:",
    "What is in it": "들어 있는 것",
    "The newest pictures": "최신 사진",
    "None yet. These bring some:": "아직 없습니다. 다음과 같이 넣을 수 있습니다.",
    "Log in there to see here what is in it.": "관리자 페이지에 로그인하면 들어 있는 것이 여기에 나옵니다.",
    "“%(value)s” is not a valid choice.": "올바른 선택이 아닙니다: “%(value)s”",
    'Invalid pk "%(pk)s" - object does not exist.': '유효하지 않은 pk "%(pk)s" - 객체가 존재하지 않습니다.',
    "The request cannot be read.": "요청을 읽을 수 없습니다.",
    "This sandbox does not go by that host name; --allow-host NAME adds one.": (
        "이 샌드박스의 호스트 이름이 아닙니다. --allow-host NAME으로 추가할 수 있습니다."
    ),
    "The request is too large.": "요청이 너무 큽니다.",
    "Only the platform can make a plugin for all workspaces.": (
        "모든 워크스페이스용 플러그인은 플랫폼만 만들 수 있습니다."
    ),
    "Expected an object.": "객체여야 합니다.",
    "Expected a list.": "목록이어야 합니다.",
    "Expected text that is not empty.": "비어 있지 않은 문자열이어야 합니다.",
    "This is no geometry of the tool “%(name)s”.": "도구 “%(name)s”의 형상이 아닙니다.",
    "Expected a list of numbers.": "숫자의 목록이어야 합니다.",
    "An empty annotation cannot be submitted.": "빈 어노테이션은 제출할 수 없습니다.",
    "This object is still used by others.": "다른 객체가 사용 중인 객체입니다.",
    "This object contradicts one that already exists.": "이미 존재하는 객체와 충돌합니다.",
    "A value is outside of what can be stored.": "저장할 수 없는 값이 있습니다.",
    "The name “%(name)s” is given twice.": "이름이 겹칩니다: “%(name)s”",
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
        "잡의 상태는 이렇게 바꿀 수 없습니다: %(before)s → %(after)s"
    ),
    "The data unit is not of the project's data collection.": (
        "데이터 유닛이 프로젝트의 데이터 컬렉션에 속하지 않습니다."
    ),
    "No task can be made for this data unit.": "이 데이터 유닛으로는 작업을 만들 수 없습니다.",
    "A task for this project and data unit already exists.": (
        "이 프로젝트와 데이터 유닛의 작업은 이미 존재합니다."
    ),
    "This object belongs to the platform.": "플랫폼 소유의 객체입니다.",
    "An agent is nobody.": "에이전트는 사용자가 아닙니다.",
    "Expected read or write.": "read 또는 write여야 합니다.",
    "Expected a list of strings.": "문자열의 목록이어야 합니다.",
    "Expected a list of names.": "이름의 목록이어야 합니다.",
    'Expected {name: {"checksum": string, "path": string}}.': (
        '{이름: {"checksum": 문자열, "path": 문자열}} 형식이어야 합니다.'
    ),
    "Expected at most %(most)s characters.": "%(most)s자 이하여야 합니다.",
    "Expected a point in time as in ISO 8601.": "ISO 8601 형식의 시각이어야 합니다.",
    "Expected a data URI.": "data URI여야 합니다.",
    "The base64 of the data URI is broken.": "data URI의 base64가 손상되었습니다.",
    "There are more than %(most)s of them.": "%(most)s개를 넘습니다.",
    "Presigned upload is not supported by this storage.": "이 스토리지는 서명된 업로드를 지원하지 않습니다.",
    "This file key was not given to this workspace.": "이 워크스페이스에 발급된 파일 키가 아닙니다.",
    "The parts cannot be put together (%(code)s).": "파트를 하나로 합칠 수 없습니다(%(code)s).",
    "There is no such object in the storage.": "스토리지에 해당 객체가 없습니다.",
    "The object has another checksum.": "객체의 체크섬이 다릅니다.",
    "The object has %(found)s bytes instead of %(size)s.": (
        "객체의 크기가 %(size)s바이트가 아니라 %(found)s바이트입니다."
    ),
    "This upload has not been completed.": "이 업로드는 아직 완료되지 않았습니다.",
    "Unknown file specification “%(name)s”.": "알 수 없는 파일 사양 “%(name)s”입니다.",
    "Required file specification “%(name)s” is missing.": "필수 파일 사양이 없습니다: “%(name)s”",
    "File specification “%(name)s” is sequential and takes no single file.": (
        "순차형 파일 사양은 단일 파일을 받지 않습니다: “%(name)s”"
    ),
    "No data file has the checksum “%(value)s”.": "체크섬이 “%(value)s”인 데이터 파일이 없습니다.",
    "“%(name)s” takes %(kind)s files, not .%(extension)s.": (
        "“%(name)s”에는 %(kind)s 파일을 넣어야 합니다(받은 파일: .%(extension)s)."
    ),
    "The path of “%(name)s” is longer than %(most)s characters.": (
        "“%(name)s”의 경로가 %(most)s자를 넘습니다."
    ),
    "Plugin “%(value)s” does not exist.": "플러그인이 존재하지 않습니다: “%(value)s”",
    "Enter a version without spaces, slashes and @.": "공백, 슬래시, @가 없는 버전을 입력하십시오.",
    "The plugin has no release “%(value)s”.": "플러그인에 이 릴리스가 없습니다: “%(value)s”",
    "The data_unit_meta_schema of the data collection takes too long.": (
        "데이터 컬렉션의 data_unit_meta_schema 검사가 너무 오래 걸립니다."
    ),
    "The data_unit_meta_schema of the data collection cannot be used.": (
        "데이터 컬렉션의 data_unit_meta_schema를 사용할 수 없습니다."
    ),
    "The agent is not connected.": "에이전트가 연결되어 있지 않습니다.",
    "The request is not valid.": "올바르지 않은 요청입니다.",
    "The query is encoded twice.": "쿼리가 두 번 인코딩되었습니다.",
    "A key in the address has characters that no key has.": "주소의 키에 사용할 수 없는 문자가 있습니다.",
    "Control characters are not allowed.": "제어 문자는 사용할 수 없습니다.",
    "This field cannot be changed.": "변경할 수 없는 필드입니다.",
    "This assignment is confirmed.": "확정된 할당입니다.",
    "Expected a list that is not empty.": "비어 있지 않은 목록이어야 합니다.",
    "Expected a number.": "숫자여야 합니다.",
    "A name must be a kind and a number, as in image_1.": "이름은 image_1처럼 종류와 번호여야 합니다.",
    "This group is of another data collection.": "다른 데이터 컬렉션의 그룹입니다.",
    "The file has another digest.": "파일의 다이제스트가 다릅니다.",
    "The workshop has another access code.": "워크샵의 접근 코드가 다릅니다.",
    "This tag is of another project.": "다른 프로젝트의 태그입니다.",
    "This user is a member already.": "이미 구성원인 사용자입니다.",
    "This is the last owner.": "마지막 소유자입니다.",
    "The export has begun.": "내보내기를 시작했습니다.",
    "The job has ended.": "이미 종료된 작업입니다.",
    "The job has no agent.": "작업에 에이전트가 없습니다.",
    "Too many streams.": "스트림이 너무 많습니다.",
}


def say(text: str, **values: object) -> str:
    """Return *text*, with *values* in it, in the language of the request."""
    korean = KOREAN.get(text) if (get_language() or "").startswith("ko") else None
    words = korean or gettext(text)
    return words % values if values else words


spoken = lazy(say, str)  # for what is named once and read in many requests
