"""The Graph client: every way in which a call can end, and what comes next."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from gearmesh import RateLimited, Rejected, Retry, Secret, SendFailed, Unauthorized, Unclear, WindowClosed
from gearmesh_meta import graph as graph_module
from gearmesh_meta.graph import MAX_ANSWER, Graph

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import FakeContext, GraphStub

TOKEN = "test-token-that-nobody-sees"
PROOF = hmac.new(b"test-app-secret", TOKEN.encode(), "sha256").hexdigest()


@pytest.fixture
def graph(context: FakeContext, graph_stub: GraphStub) -> Graph:
    return Graph(
        context, base=graph_stub.url, version="v25.0", token=Secret(TOKEN), proof_secret=Secret("test-app-secret")
    )


async def failure_of(graph: Graph, *, sends: bool = True) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await graph.post(graph.url("1/messages"), {"text": "x"}, sends=sends)
    return caught.value


async def test_given_a_call_then_it_carries_version_token_proof_and_json(graph: Graph, graph_stub: GraphStub) -> None:
    graph_stub.says({"id": "7"})

    assert await graph.post(graph.url("1/messages"), {"text": "ä"}) == {"id": "7"}

    assert graph_stub.calls == [("POST", "/v25.0/1/messages", {"appsecret_proof": PROOF}, {"text": "ä"})]
    assert graph_stub.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert graph_stub.headers[0]["Content-Type"] == "application/json"


async def test_given_fields_then_they_are_asked_for(graph: Graph, graph_stub: GraphStub) -> None:
    await graph.get(graph.url("1", fields="id,name"))

    assert graph_stub.calls == [("GET", "/v25.0/1", {"fields": "id,name", "appsecret_proof": PROOF}, None)]


async def test_given_no_proof_secret_then_no_proof_is_sent(context: FakeContext, graph_stub: GraphStub) -> None:
    graph = Graph(context, base=graph_stub.url, version="v25.0", token=Secret(TOKEN))

    await graph.get(graph.url("1"))

    assert graph_stub.calls[0][2] == {}


@pytest.mark.parametrize(
    ("code", "subcode", "status", "expected"),
    [
        (190, 0, 401, Unauthorized),
        (131056, 0, 400, RateLimited),
        (131047, 0, 400, WindowClosed),
        (10, 2018278, 400, WindowClosed),
        (10, 2534022, 400, WindowClosed),
        (131026, 0, 400, Rejected),
        (131000, 0, 500, Retry),
    ],
)
async def test_given_an_error_of_meta_then_its_code_decides(
    graph: Graph, graph_stub: GraphStub, code: int, subcode: int, status: int, expected: type[SendFailed]
) -> None:
    graph_stub.fails(code, subcode, status=status)

    failure = await failure_of(graph)

    assert type(failure) is expected
    assert failure.code == (f"{code}/{subcode}" if subcode else str(code))


async def test_given_an_error_in_an_answer_with_status_200_then_it_is_an_error(
    graph: Graph, graph_stub: GraphStub
) -> None:
    graph_stub.fails(130429, status=200)

    assert isinstance(await failure_of(graph), RateLimited)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"Retry-After": "Fri, 15 Jan 2021 08:00:00 GMT"}, None),
        ({"Retry-After": "later"}, None),
        (
            {
                "X-Business-Use-Case-Usage": '{"1":[{"type":"whatsapp","estimated_time_to_regain_access":19},'
                '{"estimated_time_to_regain_access":2}],"2":5}'
            },
            1140.0,
        ),
        ({"X-Business-Use-Case-Usage": "{"}, None),
        ({"X-Business-Use-Case-Usage": "[]"}, None),
        ({}, None),
    ],
)
async def test_given_a_pause_in_the_headers_then_it_is_kept_to(
    graph: Graph, graph_stub: GraphStub, context: FakeContext, headers: dict[str, str], pause: float | None
) -> None:
    context.time = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
    graph_stub.fails(80007, headers=headers)

    failure = await failure_of(graph)

    assert isinstance(failure, RateLimited)
    assert failure.after == pause


USAGE = {"X-Business-Use-Case-Usage": '{"1":[{"type":"whatsapp","estimated_time_to_regain_access":19}]}'}


@pytest.mark.parametrize(("code", "expected"), [(131056, RateLimited), (131000, Retry)])
async def test_given_a_failure_that_is_not_about_calls_then_the_time_until_more_are_taken_is_no_pause(
    graph: Graph, graph_stub: GraphStub, code: int, expected: type[RateLimited | Retry]
) -> None:
    graph_stub.fails(code, headers=USAGE)

    failure = await failure_of(graph)

    assert isinstance(failure, expected)
    assert failure.after is None


async def test_given_a_good_answer_with_a_time_until_more_calls_are_taken_then_it_is_good(
    graph: Graph, graph_stub: GraphStub
) -> None:
    graph_stub.answers.append(web.json_response({"id": "7"}, headers=USAGE))

    assert await graph.get(graph.url("1")) == {"id": "7"}


def replies(status: int, body: bytes, headers: dict[str, str] | None = None) -> Callable[[web.Request], Any]:
    async def reply(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return reply


@pytest.mark.parametrize(("status", "expected"), [(503, Retry), (429, RateLimited)])
@pytest.mark.parametrize("body", [b"", b"<html>Busy</html>", b"{}"])
async def test_given_a_bare_refusal_that_names_a_pause_then_nothing_went_out_and_the_pause_is_kept_to(
    graph: Graph, graph_stub: GraphStub, status: int, body: bytes, expected: type[RateLimited | Retry]
) -> None:
    graph_stub.answers += [replies(status, body, {"Retry-After": "12"}), replies(status, body, {"Retry-After": "12"})]

    for sends in (True, False):
        failure = await failure_of(graph, sends=sends)
        assert type(failure) is expected
        assert failure.after == 12


async def test_given_a_gateway_that_lost_the_answer_then_a_pause_does_not_make_it_certain(
    graph: Graph, graph_stub: GraphStub
) -> None:
    graph_stub.answers += [replies(502, b"", {"Retry-After": "12"}), replies(504, b"", {"Retry-After": "12"})]

    assert type(await failure_of(graph)) is Unclear
    assert type(await failure_of(graph)) is Unclear


@pytest.mark.parametrize(
    ("status", "body", "when_sending", "when_not"),
    [
        (502, b"<html>Bad gateway</html>", Unclear, Retry),
        (503, b"", Unclear, Retry),
        (504, b"{}", Unclear, Retry),
        (500, b'{"error":{"code":131000,"message":"Something went wrong"}}', Retry, Retry),
        (404, b"<html>", Rejected, Rejected),
        (200, b"<html>", Unclear, Retry),
        (200, b"[1]", Unclear, Retry),
        (200, b"[" * 100_000, Unclear, Retry),
        (200, b'{"a":"' + b"x" * MAX_ANSWER + b'"}', Unclear, Retry),
        (302, b"", Retry, Retry),
    ],
)
async def test_given_an_answer_that_is_not_metas_then_what_is_certain_decides(
    graph: Graph, graph_stub: GraphStub, status: int, body: bytes, when_sending: type, when_not: type
) -> None:
    graph_stub.answers += [replies(status, body), replies(status, body)]

    assert type(await failure_of(graph, sends=True)) is when_sending
    assert type(await failure_of(graph, sends=False)) is when_not


async def test_given_nobody_listening_then_nothing_went_out_and_it_is_tried_again(context: FakeContext) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        graph = Graph(context, base=f"http://127.0.0.1:{port}", version="v25.0", token=Secret(TOKEN))

        assert type(await failure_of(graph)) is Retry


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_given_a_connection_that_breaks_after_the_request_then_a_send_is_unclear(
    graph: Graph, graph_stub: GraphStub
) -> None:
    graph_stub.answers += [cut, cut]

    assert type(await failure_of(graph, sends=True)) is Unclear
    assert type(await failure_of(graph, sends=False)) is Retry


async def test_given_a_connection_that_breaks_then_a_read_is_tried_again(graph: Graph, graph_stub: GraphStub) -> None:
    graph_stub.answers += [cut, cut, cut]

    with pytest.raises(Retry):
        await graph.get(graph.url("1"))


async def test_given_no_answer_in_time_then_a_send_is_unclear(
    graph: Graph, graph_stub: GraphStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "TIMEOUT", aiohttp.ClientTimeout(total=0.2, connect=0.1))
    released = asyncio.Event()

    async def silence(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    graph_stub.answers += [silence, silence]
    try:
        assert type(await failure_of(graph, sends=True)) is Unclear
        assert type(await failure_of(graph, sends=False)) is Retry
    finally:
        released.set()


async def test_given_a_text_with_half_a_character_then_it_is_rejected_here(graph: Graph, graph_stub: GraphStub) -> None:
    with pytest.raises(Rejected, match="surrogate"):
        await graph.post(graph.url("1/messages"), {"text": "\ud83d"})

    assert graph_stub.calls == []


async def test_no_failure_shows_token_or_proof(graph: Graph, graph_stub: GraphStub) -> None:
    told = {"error": {"code": 190, "message": f"Error validating access token {TOKEN}: expired"}}
    graph_stub.answers += [web.json_response(told, status=401), cut, replies(502, TOKEN.encode())]

    failures = [await failure_of(graph) for _ in range(3)]

    shown = "".join(f"{failure!s}{failure!r}{failure.__cause__!r}" for failure in failures) + repr(vars(failures[0]))
    assert TOKEN not in shown
    assert PROOF not in shown
    assert "expired" in shown
