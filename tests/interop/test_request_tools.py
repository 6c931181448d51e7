"""Tools that people test and watch code on requests with: they see each call of a session, once."""

from __future__ import annotations

import pytest
import requests
import requests_mock
import responses
import vcr

from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from synapse import NotFoundError, RemoteFile, Retry, Session, Task, TransportError
from tests.servers import Server, reply

HOST = "http://backend.test"
TOKEN = "syn_0123456789abcdef"
ROW = {"id": 5, "project": 1, "data_unit": 9, "meta": {"frame": 3}}


@pytest.fixture
def session():
    """A session with a backend that there is not."""
    made = Session(HOST, api_token=TOKEN, retry=Retry(total=0))
    yield made
    made.close()


class TestResponses:
    @responses.activate
    def test_answers_in_place_of_the_backend(self, session):
        """By method and address; the request that it kept is whole."""
        responses.get(f"{HOST}/tasks/5/", json=ROW)
        row = session.tasks.get(5)
        (call,) = responses.calls

        assert ({"frame": 3}, f"Token {TOKEN}") == (row.meta, call.request.headers["synapse-access-token"])

    @responses.activate
    def test_matches_queries_and_bodies(self, session):
        """What its matchers look at is there."""
        listed = [responses.matchers.query_param_matcher({"project": "1"}, strict_match=False)]
        responses.get(
            f"{HOST}/task_tags/", json={"count": 1, "next": None, "results": [{"id": 2}]}, match=listed
        )
        sent = [responses.matchers.json_params_matcher({"project": 1, "name": "x"}, strict_match=False)]
        responses.post(
            f"{HOST}/task_tags/", status=201, json={"id": 3, "project": 1, "name": "x"}, match=sent
        )

        assert [2] == [tag.id for tag in session.task_tags.filter(project=1)]
        assert 3 == session.task_tags.create(project_id=1, name="x").id

    @responses.activate
    def test_gives_refusals_and_files(self, session):
        """A 404 is a typed error, a file is its bytes, an empty answer is one."""
        responses.get(f"{HOST}/tasks/6/", status=404, json={"detail": "Not found."})
        responses.get("https://files.test/a.png?sig=1", body=b"content")
        responses.delete(f"{HOST}/tasks/7/", status=204)
        with pytest.raises(NotFoundError):
            session.tasks.get(6)
        held = Task.ref(7)
        with session:
            held.delete()

        assert b"content" == RemoteFile(url="https://files.test/a.png?sig=1", session=session).read()

    @responses.activate
    def test_says_what_it_does_not_know(self, session):
        """An error of ours in its words, at once; no request goes to a real server."""
        with pytest.raises(TransportError, match="Connection refused by Responses - the call doesn't match"):
            Session(HOST, api_token=TOKEN).tasks.get(5)

        assert 1 == len(responses.calls)


class TestRequestsMock:
    def test_answers_in_place_of_the_backend(self, session):
        """By method, address, query and headers."""
        with requests_mock.Mocker() as mock:
            mock.get(f"{HOST}/tasks/5/", json=ROW, request_headers={"synapse-access-token": f"Token {TOKEN}"})
            mock.get(f"{HOST}/task_tags/?project=1", json={"count": 1, "next": None, "results": [{"id": 2}]})

            assert {"frame": 3} == session.tasks.get(5).meta
            assert [2] == [tag.id for tag in session.task_tags.filter(project=1)]
            assert ["1"] == mock.last_request.qs["project"]

    def test_says_what_it_does_not_know(self, session):
        """By its own error, which is not repeated."""
        with requests_mock.Mocker(), pytest.raises(requests_mock.NoMockAddress):
            session.tasks.get(5)

    def test_leaves_the_session_as_it_was(self, session):
        """After its block, calls go out again."""
        with requests_mock.Mocker() as mock:
            mock.get(f"{HOST}/tasks/5/", json=ROW)
            session.tasks.get(5)
        with Server(reply(data=ROW)) as server, Session(server.origin, api_token=TOKEN) as other:
            with requests_mock.Mocker() as mock:
                mock.get(f"{server.origin}/tasks/5/", json=ROW | {"meta": {}})
                assert {} == other.tasks.get(5).meta
            assert {"frame": 3} == other.tasks.get(5).meta
        other.close()

        assert 1 == len(server.received)


class TestVcr:
    def test_plays_what_it_recorded_without_the_token(self, synapse_vcr_config, tmp_path):
        """The cassette holds the answer, and `***` for the token."""
        tape = vcr.VCR(cassette_library_dir=str(tmp_path), **synapse_vcr_config)
        with Server(reply(data=ROW)) as server:
            for _ in range(2):
                with tape.use_cassette("tasks.yaml"), Session(server.origin, api_token=TOKEN) as session:
                    assert {"frame": 3} == session.tasks.get(5).meta
                session.close()
        written = (tmp_path / "tasks.yaml").read_text()

        assert (1, False, True) == (len(server.received), TOKEN in written, "***" in written)

    def test_hides_what_is_said_as_well(self, synapse_vcr_config, tmp_path):
        """Cookies, the password of a login, tokens and signatures of an answer; who records gets it whole."""
        tape = vcr.VCR(cassette_library_dir=str(tmp_path), **synapse_vcr_config)
        row = {"id": 1, "token": "s3cret-1", "url": "http://f.test/a.png?a=1&sig=s3cret-2", "name": "한글"}
        cookie, seen = ("Set-Cookie", "sessionid=s3cret-3"), []
        with Server(reply(data=row, headers=[cookie])) as server:
            for _ in range(2):
                with tape.use_cassette("login.yaml"):
                    url, login = f"{server.origin}/login/?token=s3cret-4", {"password": "s3cret-5", "id": 1}
                    answer = requests.post(url, json=login, cookies={"a": "s3cret-6"}, timeout=5)
                    seen.append(answer.json())
        written = (tmp_path / "login.yaml").read_text("utf-8")

        hidden = row | {"token": "***", "url": "http://f.test/a.png?a=1&sig=***"}
        assert ([row, hidden], 1) == (seen, len(server.received))
        assert "s3cret" not in written

    def test_hides_forms_and_the_address_of_an_agent(self, synapse_vcr_config, tmp_path):
        """Both hold secrets by the wire."""
        tape = vcr.VCR(cassette_library_dir=str(tmp_path), **synapse_vcr_config)
        with Server(reply(data={})) as server:
            for _ in range(2):
                with tape.use_cassette("a.yaml"):
                    requests.post(f"{server.origin}/agents/s3cret/connect/", timeout=5)
                    requests.post(server.origin, data={"id": 1, "password": "s3cret"}, timeout=5)
        written = (tmp_path / "a.yaml").read_text("utf-8")

        assert (2, False) == (len(server.received), "s3cret" in written)

    def test_leaves_the_bytes_of_files_alone(self, synapse_vcr_config, tmp_path):
        """Sent and fetched, even where they look like an answer."""
        tape = vcr.VCR(cassette_library_dir=str(tmp_path), **synapse_vcr_config)
        content = b'{"token": "of a picture"}\xff'
        with Server(reply(raw=content, headers=[("Content-Type", "image/png")])) as server:
            for _ in range(2):
                with tape.use_cassette("file.yaml"):
                    assert content == requests.post(server.origin, files={"a": content}, timeout=5).content
        assert 1 == len(server.received)

    def test_needs_the_filter(self, tmp_path):
        """Without it the cassette holds the token in clear, as the page on testing says."""
        path = tmp_path / "a.yaml"
        with Server(reply(data=ROW)) as server, vcr.use_cassette(str(path)):
            session = Session(server.origin, api_token=TOKEN)
            session.tasks.get(5)
            session.close()

        assert TOKEN in path.read_text()

    def test_takes_over_a_session_that_is_open(self, synapse_vcr_config, tmp_path):
        """Connections from before are not used for what is recorded."""
        with Server(reply(data=ROW)) as server, Session(server.origin, api_token=TOKEN) as session:
            session.tasks.get(5)
            for _ in range(2):
                with vcr.use_cassette(str(tmp_path / "a.yaml"), **synapse_vcr_config):
                    session.tasks.get(5)
            session.tasks.get(5)
        session.close()

        assert 3 == len(server.received)


@pytest.fixture
def spans():
    """What a tracer was told."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentors = []

    def instrument(kind):
        kind().instrument(tracer_provider=provider)
        instrumentors.append(kind())
        return exporter

    yield instrument
    for each in instrumentors:
        each.uninstrument()


class TestOpenTelemetry:
    @pytest.mark.parametrize(
        "kinds", [[RequestsInstrumentor], [URLLib3Instrumentor], [RequestsInstrumentor, URLLib3Instrumentor]]
    )
    def test_sees_each_call_once_without_its_query(self, spans, kinds):
        """The address is readable, and no signature is in it; the request itself is whole."""
        with Server(reply(data={"count": 0, "next": None, "results": []})) as server:
            for kind in kinds:
                exporter = spans(kind)
            with Session(server.origin, api_token=TOKEN) as session:
                list(session.task_tags.filter(project=1))
                session.download(f"{server.origin}/a.png?sig=s3cret").__enter__()
            session.close()
        seen = [dict(span.attributes) for span in exporter.get_finished_spans()]
        urls = [each.get("http.url") or each.get("url.full") for each in seen]

        assert [f"{server.origin}/task_tags/", f"{server.origin}/a.png"] == urls
        assert ["project=1" in server.received[0].target, "sig=s3cret" in server.received[1].target] == [
            True,
            True,
        ]
        assert "traceparent" in server.received[0].headers
        assert TOKEN not in str(seen)

    @pytest.mark.parametrize("kind", [RequestsInstrumentor, URLLib3Instrumentor])
    def test_sees_the_calls_of_a_session_of_the_users_once(self, spans, kind):
        """With the address as that sends it."""
        exporter = spans(kind)
        with Server(reply(data=ROW)) as server:
            session = Session(server.origin, api_token=TOKEN, http=requests.Session())
            session.tasks.get(5)
            session.close()
        seen = [dict(span.attributes) for span in exporter.get_finished_spans()]

        assert [f"{server.origin}/tasks/5/"] == [each.get("http.url") for each in seen]
        assert TOKEN not in str(seen)
