"""Who gets in over real HTTP requests: tokens, cookies, one-time links, hosts, origins, headers."""

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from gaitway.registry import Registry, TokenBook
from gaitway.web.security import CSP

Run = Callable[[Any], Any]
Body = Callable[..., bytes]
LAN = {"peer": "10.0.0.7", "host": "127.0.0.1:8788"}
READS = ("/api/streams", "/api/phones", "/api/live", "/metrics", "/schema/openapi.json", "/api/nothing", "/nothing")


def test_from_the_network_nothing_is_read_without_a_token(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client(**LAN) as client:
            for path in READS:
                answer = await client.get(path)
                assert (answer.status_code, set(answer.json())) == (401, {"error", "where", "hint"})
            for path in ("/api/page/simulate", "/api/devices/phone"):
                assert (await client.post(path, json={"name": "x"})).status_code == 401
            assert (await client.get("/api/page/setup")).status_code == 401
            for path in ("/healthz", "/readyz", "/js/page.js", "/static/js/page.js"):
                assert (await client.get(path)).status_code == 200

    run(main())


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-forwarded-host", "forwarded", "via"])
def test_a_tunnel_is_not_this_machine(serve: Any, run: Run, header: str) -> None:
    async def main() -> None:
        async with serve() as served, served.client(headers={header: "1"}) as client:
            assert (await client.get("/api/streams")).status_code == 401

    run(main())


@pytest.mark.parametrize("settings", [{"proxy": True}, {"public_names": ("gait.example.org",)}])
def test_with_a_proxy_or_a_public_name_nobody_is_served_without_a_token(
    serve: Any, run: Run, message: Body, settings: dict[str, Any]
) -> None:
    async def main() -> None:
        async with serve(**settings) as served, served.client() as client:
            assert (await client.get("/api/streams")).status_code == 401
            assert (await client.post("/data", content=message())).status_code == 499

    run(main())


def test_a_public_name_is_a_name_of_this_server(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve(public_names=("gait.example.org",)) as served:
            for host, status in (("gait.example.org", 200), ("other.example.org", 403)):
                async with served.client(host=host) as client:
                    assert (await client.get("/healthz")).status_code == status

    run(main())


def test_a_rebound_name_gets_nothing(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client(host="evil.test") as client:
            for path in ("/", "/healthz", "/api/streams", "/js/page.js"):
                assert (await client.get(path)).status_code == 403
            assert (await client.post("/data", content=message())).status_code == 403

    run(main())


def test_each_kind_of_token_opens_its_routes(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client(**LAN) as client:
            read, push = served.book.add("read").text, served.book.add("push").text
            assert (await client.get("/api/streams", headers={"authorization": read})).status_code == 200
            assert (await client.get("/api/streams", headers={"authorization": f"Bearer {read}"})).status_code == 200
            assert (await client.get(f"/api/streams?token={read}")).status_code == 401  # only pushes take it there
            assert (await client.get("/api/streams", headers={"authorization": push})).status_code == 403
            assert (await client.post(f"/data/{push}", content=message())).status_code == 200
            assert (await client.post(f"/data/{read}", content=message())).status_code == 499
            answer = await client.post("/api/devices/phone", json={"name": "x"}, headers={"authorization": read})
            assert answer.status_code == 403

    run(main())


def test_what_another_process_adds_and_revokes_counts_within_a_second(
    serve: Any, run: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gaitway.registry.cache._CHECK_NS", 0)

    async def main() -> None:
        async with serve() as served, served.client(**LAN) as client:
            served.app.tokens._check_ns = 0
            other = Registry(tmp_path / "registry.sqlite")
            minted = TokenBook(other).add("read")
            headers = {"authorization": minted.text}
            assert (await client.get("/api/streams", headers=headers)).status_code == 200
            TokenBook(other).revoke(minted.token.id)
            assert (await client.get("/api/streams", headers=headers)).status_code == 401
            other.close()

    run(main())


def test_a_link_gives_a_cookie_once_and_the_cookie_opens_the_page(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served:
            link = served.book.page_link().text
            async with served.client(**LAN) as client:
                assert (await client.head(f"/link/{link}")).status_code == 405  # a preview does not use it up
                locked = await client.get("/")
                assert locked.status_code == 401 and "locked" in locked.text
                answer = await client.get(f"/link/{link}")
                assert (answer.status_code, answer.headers["location"]) == (303, "/")
                cookie = answer.headers["set-cookie"]
                assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
                assert "Secure" not in cookie
                assert (await client.get("/")).status_code == 200
                assert (await client.get("/api/streams")).status_code == 200
                assert (await client.get("/api/page/setup")).status_code == 200
            async with served.client(**LAN) as other:
                again = await other.get(f"/link/{link}")
                assert (again.status_code, "set-cookie" in again.headers) == (303, False)
                assert (await other.get("/")).status_code == 401

    run(main())


def test_behind_https_the_cookie_stays_on_https(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve(proxy=True, public_names=("gait.example.org",)) as served:
            async with served.client(host="gait.example.org", headers={"x-forwarded-proto": "https"}) as client:
                answer = await client.get(f"/link/{served.book.page_link().text}")
            assert "Secure" in answer.headers["set-cookie"]

    run(main())


def test_a_cookie_is_no_token_and_a_token_no_cookie(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client(**LAN) as client:
            cookie = served.book.open_page(served.book.page_link().text).text
            read = served.book.add("read").text
            assert (await client.get("/api/streams", headers={"authorization": cookie})).status_code == 401
            assert (await client.get("/api/streams", headers={"cookie": f"gaitway_page={read}"})).status_code == 401
            assert (
                await client.get("/api/streams", headers={"cookie": f"a=b; gaitway_page={cookie}"})
            ).status_code == 200

    run(main())


def test_another_site_cannot_act_with_the_page_s_cookie(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
                assert (await client.post("/api/devices/x", json={"name": "x"}, headers=headers)).status_code == 403
                assert (await client.get("/api/page/setup", headers=headers)).status_code == 403
                assert (await client.post("/data", content=message(), headers=headers)).status_code == 403
            own = {"origin": "http://localhost:8788", "sec-fetch-site": "same-origin"}
            assert (await client.post("/api/devices/x", json={"name": "x"}, headers=own)).status_code == 404

    run(main())


def test_every_answer_carries_strict_headers(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            for path in ("/", "/js/page.js", "/api/streams", "/api/nothing", "/healthz", "/data"):
                headers = (await client.get(path)).headers
                assert headers["content-security-policy"] == CSP
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["x-frame-options"] == "DENY"
                assert headers["referrer-policy"] == "no-referrer"
                assert "access-control-allow-origin" not in headers

    run(main())


def test_the_policy_is_the_design_s() -> None:
    assert CSP == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_page_files_are_revalidated_and_compressed(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            first = await client.get("/")
            assert first.headers["content-type"] == "text/html; charset=utf-8"
            assert first.headers["content-encoding"] == "gzip" and first.headers["cache-control"] == "no-cache"
            tag = first.headers["etag"]
            again = await client.get("/", headers={"if-none-match": f'W/"x", {tag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            plain = await client.get("/static/js/page.js", headers={"accept-encoding": "identity"})
            assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
            assert "content-encoding" not in plain.headers
            head = await client.head("/js/page.js")
            assert (head.status_code, head.content) == (200, b"")

    run(main())


@pytest.mark.parametrize(
    "path", ["/.hidden", "/static/.hidden", "/static/../registry.sqlite", "/%2e%2e/registry.sqlite"]
)
def test_nothing_but_the_page_s_files_is_served(serve: Any, run: Run, path: str) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            assert (await client.get(path)).status_code == 404

    run(main())


def test_the_setup_holds_all_a_phone_needs_and_a_token_that_stays_until_used(
    serve: Any, run: Run, message: Body
) -> None:
    async def main() -> None:
        async with serve(host="0.0.0.0") as served, served.client() as client:
            first = (await client.get("/api/page/setup")).json()
            again = (await client.get("/api/page/setup")).json()
            assert first["token"] == again["token"]
            assert (first["address"], first["host"], first["port"]) == (
                "http://192.168.1.42:8788/data",
                "192.168.1.42",
                8788,
            )
            assert first["qr"].startswith("<svg") and first["link"].startswith("sensorlogger://config/")
            async with served.client(**LAN) as phone:
                assert (await phone.post(f"/data/{first['token']}", content=message())).status_code == 200
            assert (await client.get("/api/page/setup")).json()["token"] != first["token"]

    run(main())


def test_the_address_is_noted_for_the_command_line(serve: Any, run: Run, tmp_path: Any) -> None:
    async def main() -> None:
        async with serve(port=9000):
            pass

    run(main())
    with sqlite3.connect(tmp_path / "registry.sqlite") as db:
        assert db.execute("SELECT value FROM registry WHERE key = 'note:url'").fetchone() == ("http://127.0.0.1:9000",)
    db.close()


def test_tokens_never_reach_the_log(serve: Any, run: Run, message: Body, caplog: pytest.LogCaptureFixture) -> None:
    import io

    from gaitway.ops import logging as gaitway_logging

    lines = io.StringIO()
    gaitway_logging.configure("json", "debug", lines)

    async def main() -> list[str]:
        async with serve() as served, served.client(**LAN) as client:
            push, link = served.book.add("push").text, served.book.page_link().text
            served.front.commit._tape = None
            assert (await client.post(f"/data/{push}", content=message())).status_code == 500
            await client.get(f"/link/{link}")
            return [push, link]

    secrets = run(main())
    assert "push_failed" in lines.getvalue()
    assert not [secret for secret in secrets if re.search(secret, lines.getvalue())]
