# ruff: noqa: RUF001  (names are written as people write them)
"""A scene of simulated phones for tests and pictures: one of every state of a card, with believable signals."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from browser.stub import Stub, now_ns

Json = dict[str, Any]
STEP_MS = 40
SECOND = 1_000_000_000


def magnitude(activity: str, t: float, noise: random.Random) -> float:
    """|a| without gravity at a moment of an activity, m/s2."""
    z = noise.gauss(0, 0.35)
    step: Callable[[float, float], float] = lambda rate, sharp: abs(math.sin(math.pi * rate * t)) ** sharp  # noqa: E731
    forms: dict[str, float] = {
        "stationary": 0.09 + 0.06 * z,
        "walking": 0.5 + 2.1 * step(1.86, 1.9) * (1 + 0.12 * math.sin(0.9 * t)) + 0.15 * z,
        "running": 2.6 + 17.5 * step(2.74, 1.7) + 1.4 * z,
        "sprinting": 7 + 21 * step(3.9, 1.35) + 2 * z,
        "vehicle": 0.42 + 0.3 * abs(math.sin(1.3 * t)) + 0.25 * abs(z),
        "unknown": 0.12 + 0.1 * z,
    }
    return max(0.01, forms[activity])


@dataclass
class Walker:
    """A phone that sends: `before` was its activity until `turned` seconds ago."""

    device_id: str
    name: str | None
    model: str | None
    activity: str
    confidence: float = 0.9
    held: float = 120.0
    before: str | None = None
    share: float = 1.0
    extra: Json = field(default_factory=dict)
    seed: int = 1

    @property
    def ids(self) -> Json:
        return {"device_id": self.device_id, "session_id": f"{self.device_id}-walk"}

    def row(self, now: int) -> Json:
        """As a snapshot has it."""
        return {
            **self.ids,
            **{"name": self.name, "model": self.model, "platform": "ios", "simulated": False, "state": "live"},
            **{"activity": self.activity, "confidence": self.confidence, "coverage": self.share},
            **{"since": now - int(self.held * SECOND), "last_reading": now, "last_received": now},
            **{"lost": 0, "late": 0, "twice": 0, "set_aside": 0, "readings_per_second": 297.0, "battery": 0.61},
            **self.extra,
        }

    def verdict(self, end: int, activity: str | None = None) -> Json:
        return {
            **self.ids,
            **{"activity": activity or self.activity, "confidence": self.confidence, "coverage": self.share},
            **{"avg_magnitude": 2.0, "sample_count": 1000, "window_start": end - 10 * SECOND, "window_end": end},
        }

    def signal(self, end: int, seconds: float) -> Json:
        """The last `seconds` before `end`."""
        noise = random.Random(self.seed * 7919 + end // SECOND)
        count = int(seconds * 1000 / STEP_MS)
        start = end - count * STEP_MS * 1_000_000
        times = [start + i * STEP_MS * 1_000_000 for i in range(count)]
        return {**self.ids, "t0": start, "step_ms": STEP_MS, "a": list(self._values(times, end, noise))}

    def _values(self, times: list[int], end: int, noise: random.Random) -> Iterator[float | None]:
        for time in times:
            activity = self.before if self.before and (end - time) / SECOND > self.held else self.activity
            there = self.share >= 1 or noise.random() < self.share
            yield round(magnitude(activity, time / SECOND + self.seed, noise), 3) if there else None


EVERY_STATE = (
    Walker("ada", "Ada’s iPhone", "iPhone 14", "walking", 0.94, 252, extra={"lost": 163, "late": 21, "set_aside": 1}),
    Walker("ben", "Ben’s Pixel", "Pixel 8", "running", 0.98, 1300, extra={"lost": 12, "platform": "android"}, seed=23),
    Walker("chloe", "Chloé’s iPhone", "iPhone SE", "sprinting", 0.81, 5, "running", extra={"late": 4}, seed=31),
    Walker("sam", "Simulated phone 1", "seed 7", "vehicle", 0.91, 1010, extra={"simulated": True}, seed=41),
    Walker("farah", "Farah’s iPhone", "iPhone 12", "unknown", 0.0, 60, share=0.41, seed=57),
)


def quiet_rows(now: int) -> list[Json]:
    """A phone that stopped, and one that fell silent with an empty battery."""
    stopped = Walker("dmitri", "Dmitri’s Galaxy", "S23", "walking").row(now - 720 * SECOND)
    parts = {"stationary": 1560, "walking": 1860, "unknown": 120, "running": 300}
    stopped |= {
        "state": "stopped",
        "stopped_at": now - 720 * SECOND,
        "recorded_s": 3840,
        "moving_s": 2160,
        "parts": parts,
    }
    silent = Walker("lab", "Lab phone A", "Pixel 6a", "walking").row(now - 48 * SECOND)
    return [stopped, silent | {"battery": 0.03, "lost": 6, "platform": "android"}]


def play(stub: Stub, walkers: tuple[Walker, ...], seconds: float = 1.0, end: int | None = None) -> None:
    """Send one message of each phone, as the server tells of it."""
    end = now_ns() if end is None else end
    for walker in walkers:
        if walker.before and seconds > walker.held:
            stub.send("verdict", walker.verdict(end - int(seconds * SECOND), walker.before))
            stub.send("verdict", walker.verdict(end - int(walker.held * SECOND)))
        stub.send("signal", walker.signal(end, seconds))
        stub.send("verdict", walker.verdict(end))


def crowd(count: int) -> tuple[Walker, ...]:
    """Many phones, by name."""
    names = (
        *("Ada", "Ben", "Chloé", "Dmitri", "Eli", "Farah", "Goran", "Hana", "Ivo", "June"),
        *("Kofi", "Lena", "Milan", "Nadia", "Omar", "Petra", "Quinn", "Rosa", "Sven", "Tara"),
    )
    kinds = ("walking", "stationary", "running", "walking", "vehicle", "stationary", "walking", "sprinting")
    return tuple(
        Walker(
            f"phone-{i:03d}",
            names[i % 20] + (f" {i // 20 + 1}" if i >= 20 else ""),
            None,
            "unknown" if i == 5 else kinds[i % 8],
            0.8 + (i * 37 % 19) / 100,
            40 + i * i * 7 % 3000,
            share=0.3 if i == 5 else 1.0,
            extra={"lost": 3 if i == 8 else 0, "late": 9 if i == 13 else 0},
            seed=100 + i * 7,
        )
        for i in range(count)
    )
