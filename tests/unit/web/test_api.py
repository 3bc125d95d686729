"""The API over real rooms: who gets what, in which shape."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gaitway.core.message import Stream
from gaitway.ports import DeadLetter, Entry
from gaitway.registry import Recognizers
from gaitway.web.query import read_time
from waiting import until

Run = Callable[[Any], Any]
Body = Callable[..., bytes]
ROOT = Path(__file__).parents[3]
A, B = Stream("phone-a", "walk"), Stream("phone-b", "walk")


def test_streams_put_together_tape_engine_warehouse_and_dead_letters(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            for device, number in (("phone-b", 1), ("phone-a", 1), ("phone-a", 1), ("phone-a", 4)):
                assert (await client.post("/data", content=message(device, number=number))).status_code == 200
            served.states[A] = type("Mark", (), {"tick": 9, "sealed_to": 0, "late": 21, "since": {"new-1": 5}})()
            served.history.counts = {A: 6}
            served.front.letters["engine"].add([DeadLetter(1, "late", "time", b"{}", A, 2)])
            answer = (await client.get("/api/streams")).json()
        assert answer["next"] is None
        first, second = answer["streams"]
        assert (first["device_id"], first["session_id"], first["live"]) == ("phone-a", "walk", True)
        assert (first["tick"], first["sealed_to"]) == (9, None)
        assert first["first_time"] <= first["last_time"]
        assert first["counts"] == {
            "messages": 3 - first["counts"]["duplicates"],
            "readings": 6,
            "duplicates": 0,
            "conflicting": 1,
            "missing": 2,
            "late": 21,
            "dead_letters": 2,
        }
        assert (second["device_id"], second["tick"], second["counts"]["readings"]) == ("phone-b", None, 0)

    run(main())


def test_lists_go_on_where_next_says(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            for number in range(5):
                await client.post("/data", content=message(f"phone-{number}"))
            found: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                page = (await client.get("/api/streams", params={"limit": 2, "cursor": cursor})).json()
                assert len(page["streams"]) <= 2
                found += [row["device_id"] for row in page["streams"]]
                cursor = page["next"]
            one = (await client.get("/api/streams?device_id=phone-3")).json()["streams"]
        assert found == [f"phone-{number}" for number in range(5)]
        assert [row["device_id"] for row in one] == ["phone-3"]

    run(main())


def test_history_is_asked_what_the_query_says(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve(lead="thresholds") as served, served.client() as client:
            query = "device_id=d&session_id=s&from=2026-03-05T18:14:32Z&to=1772734472000000001&limit=7&cursor=c"
            for route in ("activities", "segments"):
                assert (await client.get(f"/api/{route}?{query}&recognizer=learned")).status_code == 200
            await client.get(f"/api/readings?{query}&sensor=gyroscope&until=12")
            await client.get("/api/activities")
            *named, readings, bare = served.history.asked
        for asked in (*named, readings):
            assert (asked.device_id, asked.session_id, asked.limit, asked.cursor) == ("d", "s", 7, "c")
            assert (asked.start, asked.end) == (1772734472000000000, 1772734472000000001)
        assert [asked.recognizer for asked in named] == ["learned", "learned"]
        assert (readings.sensor, readings.until, readings.recognizer) == ("gyroscope", 12, None)
        assert (bare.recognizer, bare.limit, bare.start, bare.cursor) == ("thresholds", 1000, None, None)

    run(main())


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("streams?limit=0", "limit"),
        ("streams?limit=10001", "limit"),
        ("streams?limit=many", "limit"),
        ("streams?cursor=nonsense", "cursor"),
        ("dead-letters?cursor=1", "cursor"),
        ("activities?from=yesterday", "from"),
        ("activities?to=2026-13-01", "to"),
        ("readings?until=-1", "until"),
        ("readings?from=99999999999999999999", "from"),
        (f"readings?device_id={'x' * 129}", "device_id"),
    ],
)
def test_what_cannot_be_read_is_400_with_where_and_hint(serve: Any, run: Run, query: str, where: str) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            answer = await client.get(f"/api/{query}")
        assert answer.status_code == 400
        assert answer.json()["where"] == where and answer.json()["error"] and answer.json()["hint"]

    run(main())


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01T01:00 01:00", 0),
        ("1970-01-01T00:00:00.123456789Z", 123456789),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("-5", -5),
        ("", None),
    ],
)
def test_times_are_read_exactly(text: str, time: int | None) -> None:
    assert read_time(text, "from") == time


def test_dead_letters_of_both_stores_newest_first(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            for at in range(9):
                store = served.front.letters["front" if at % 3 else "engine"]
                store.add([DeadLetter(at, "null", "z", b"x" * 500, A if at % 2 else None, at % 2)])
            found: list[dict[str, Any]] = []
            cursor: str | None = ""
            pages = 0
            while cursor is not None:
                answer = await client.get("/api/dead-letters", params={"limit": 2, "cursor": cursor})
                found += answer.json()["dead_letters"]
                cursor = answer.json()["next"]
                pages += 1
                if pages == 1:  # what comes meanwhile does not shift what was seen
                    served.front.letters["front"].add([DeadLetter(99, "null", "z", b"", None, 0)])
        assert [letter["received_at"] for letter in found] == list(range(8, -1, -1))
        assert len({letter["id"] for letter in found}) == 9
        assert set(found[0]) == {"id", "received_at", "device_id", "session_id", "reason", "where", "excerpt"}

    run(main())


def test_recognizers_give_settings_and_the_lead(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve(lead="thresholds") as served, served.client() as client:
            known = Recognizers(served.front.registry)
            known.start("thresholds-1/10s-2s/aaaa", {"thresholds": [2, 8, 20]}, 1)
            known.start("thresholds-1/10s-2s/bbbb", {"thresholds": [1, 8, 20]}, 50)
            known.start("learned-2/5s-1s/cccc", {}, 60)
            answer = (await client.get("/api/recognizers")).json()
        rows = {row["name"]: row for row in answer["recognizers"]}
        assert [name for name, row in rows.items() if row["lead"]] == ["thresholds-1/10s-2s/bbbb"]
        assert rows["thresholds-1/10s-2s/aaaa"]["settings"] == {"thresholds": [2, 8, 20]}
        assert rows["learned-2/5s-1s/cccc"]["started"] == 60

    run(main())


def test_phones_give_one_card_each_with_its_newest_session(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            for session in ("old", "walk"):
                await client.post("/data", content=message("phone", session))
            await client.post("/data", content=message("sim-brisk-heron-3fa2"))
            served.engine.say("walking", end="2026-01-01T00:00:00.000Z")
            served.engine.say("walking", end="2026-01-01T00:00:01.000Z")
            await served.app.board.save()
            await client.post("/api/devices/phone", json={"name": "Anna's phone"})
            answer = (await client.get("/api/phones")).json()
        assert [(row["name"], row["session_id"], row["simulated"]) for row in answer["phones"]] == [
            ("Anna's phone", "walk", False),
            ("Brisk heron", "walk", True),
        ]
        anna = answer["phones"][0]
        assert (anna["state"], anna["activity"], anna["since"]) == ("live", "walking", "2026-01-01T00:00:00.000Z")
        assert (anna["platform"], anna["messages"], anna["lost"], anna["twice"]) == ("ios", 1, 0, 0)
        assert answer["knocks"] == []
        assert answer["thresholds"] == [2.0, 8.0, 20.0]
        assert answer["address"] == "http://127.0.0.1:8788"

    run(main())


def test_knocks_are_among_the_phones(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve(host="0.0.0.0") as served:
            async with served.client("10.0.0.7", "127.0.0.1") as stranger:
                for _ in range(3):
                    assert (await stranger.post("/data?token=wrong", content=message())).status_code == 499
            async with served.client() as client:
                knocks = (await client.get("/api/phones")).json()["knocks"]
        assert [(knock["address"], knock["reason"], knock["count"]) for knock in knocks] == [("10.0.0.7", "token", 3)]

    run(main())


def test_a_phone_that_nobody_knows_cannot_be_named(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            assert (await client.post("/api/devices/nobody", json={"name": "x"})).status_code == 404
            assert (await client.post("/api/devices/nobody", json={})).status_code == 400
            assert (await client.post("/api/devices/nobody", content=b"\xff")).status_code == 400

    run(main())


def test_a_simulated_phone_is_started_by_a_callable(serve: Any, run: Run) -> None:
    async def started() -> str:
        return "sim-keen-hare-0001"

    async def main() -> None:
        async with serve() as served, served.client() as client:
            assert (await client.post("/api/page/simulate")).status_code == 404
            served.front.simulate = started
            answer = await client.post("/api/page/simulate", json={})
        assert (answer.status_code, answer.json()) == (201, {"device_id": "sim-keen-hare-0001"})

    run(main())


def test_health_and_readiness(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.head("/healthz")).status_code == 200
            assert (await client.get("/readyz")).status_code == 200
            served.engine.connected = False
            answer = await client.get("/readyz")
            assert (answer.status_code, list(answer.json()["faults"])) == (503, ["engine"])
            served.engine.connected = True
            served.engine.health["problem"] = "the disk is full"
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["faults"]) == (503, {"warehouse": "the disk is full"})
            assert "gaitway_warehouse_failing 1" in served.app.operations.metrics.render().decode()
            served.engine.health["problem"] = ""
            assert (await client.get("/readyz")).status_code == 200
            served.app.operations.broken = "a task ended"
            assert (await client.get("/readyz")).status_code == 503

    run(main())


def test_metrics_tell_what_was_promised(serve: Any, run: Run, message: Body) -> None:
    async def main() -> str:
        async with serve() as served, served.client() as client:
            await client.post("/data", content=message())
            await client.post("/data", content=b"{")
            return str((await client.get("/metrics")).text)

    text = run(main())
    values = dict(re.findall(r"^(gaitway_[^ ]+) ([0-9.e+-]+)$", text, re.MULTILINE))
    assert values["gaitway_readings_total"] == "3.0"
    assert values['gaitway_messages_total{outcome="stored"}'] == "1.0"
    assert values['gaitway_push_answers_total{status="400"}'] == "1.0"
    assert values['gaitway_dead_letters{store="front"}'] == "1.0"
    assert values['gaitway_follower_lag_records{follower="engine"}'] == "3.0"
    assert values['gaitway_follower_lag_records{follower="activities"}'] == "2.0"
    assert values["gaitway_watermark_delay_seconds"] == "0.25"
    assert values["gaitway_fsync_seconds_count"] == "1.0"
    assert values["gaitway_log_position"] == "1.0"


def test_openapi_has_every_route_and_the_push(serve: Any, run: Run) -> None:
    async def main() -> Any:
        async with serve() as served, served.client() as client:
            return (await client.get("/schema/openapi.json")).json()

    schema = run(main())
    assert set(schema["paths"]["/data"]["post"]["responses"]) >= {"200", "400", "413", "429", "499", "503"}
    lists = {"streams", "activities", "segments", "readings", "recognizers", "dead-letters", "live", "phones"}
    assert {f"/api/{name}" for name in lists} | {"/healthz", "/readyz", "/metrics"} <= set(schema["paths"])
    names = {item["name"] for item in schema["paths"]["/api/readings"]["get"]["parameters"]}
    assert names == {"device_id", "session_id", "sensor", "from", "to", "until", "limit", "cursor"}
    fault = schema["paths"]["/api/streams"]["get"]["responses"]["400"]["content"]["application/json"]["schema"]
    assert fault == {"$ref": "#/components/schemas/Error"}


def test_the_docs_name_every_route(serve: Any, run: Run) -> None:
    async def main() -> Any:
        async with serve() as served, served.client() as client:
            return (await client.get("/schema/openapi.json")).json()["paths"]

    text = (ROOT / "docs" / "reference" / "api.md").read_text()
    for path in run(main()):
        assert path.replace("{token}", "TOKEN") in text


def test_what_does_not_exist_is_404_and_a_wrong_method_405(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            assert (await client.get("/api/nothing")).status_code == 404
            for path in ("/api/streams", "/data", "/data/"):
                answer = await client.put(path)
                assert (answer.status_code, bool(answer.headers["allow"])) == (405, True)
                assert set(answer.json()) == {"error", "where", "hint"}

    run(main())


def test_an_unexpected_fault_is_500_and_says_nothing(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            served.front.tape.close()
            served.history.activities = None
            answer = await client.get("/api/activities")
            assert (answer.status_code, answer.json()["error"]) == (500, "something went wrong here")

    run(main())


def test_quiet_streams_are_ticked_and_the_engine_s_wishes_met(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve(quiet_seconds=0.1) as served, served.client() as client:
            await client.post("/data", content=message())
            tape = served.front.tape
            await until(lambda: tape.end() == 2)
            served.engine.on_tick([Stream("phone", "walk")])
            await until(lambda: tape.end() == 3)
            assert [record.kind for record in tape.read(0, 10)] == ["message", "tick", "tick"]

    run(main())


def test_a_stream_left_open_by_the_last_run_is_ticked_at_start(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve(quiet_seconds=60) as served, served.client() as client:
            await client.post("/data", content=message())
        async with serve(quiet_seconds=0.1) as served:
            await until(lambda: served.front.tape.end() == 2)
            (tick,) = served.front.tape.read(1, 10)
        assert Entry(tick.kind, tick.stream, 0) == Entry("tick", Stream("phone", "walk"), 0)

    run(main())
