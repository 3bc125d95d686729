"""A simulated phone: from a seed to the messages the app would push, byte for byte the same every time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from gaitway.core.message import Floats, Stream, Times
from gaitway.errors import SettingsError
from gaitway.ops.simulated import device_name
from gaitway.ops.simulator.body import Body, Carried
from gaitway.ops.simulator.clock import Grid, as_written
from gaitway.ops.simulator.faults import NAMES as FAULT_NAMES
from gaitway.ops.simulator.faults import with_faults
from gaitway.ops.simulator.gait import PLACEMENTS, Form, Gain
from gaitway.ops.simulator.push import Push
from gaitway.ops.simulator.script import DEMO, Script
from gaitway.ops.simulator.sensors import BY_NAME, GridName, Scene, Sensor
from gaitway.ops.simulator.wire import Block, Template, envelope, payload

_MS = 1_000_000
_S = 1_000_000_000
#: What the app takes by itself.
RATES: dict[Form, float] = {"iphone": 100.0, "android": 200.0}


@dataclass(frozen=True)
class Phone:
    """One phone and the person who carries it. Raises SettingsError that lists what is wrong with its settings."""

    seed: int
    form: Form = "iphone"
    rate: float | None = None
    """Samples a second of each motion sensor, 17 to 400; None: 100 on an iPhone, 200 on Android."""
    script: str = DEMO
    gain: Gain = "vigorous"
    """`vigorous`: the published rule agrees with the script. `real`: as strong as in real recordings."""
    placement: str | None = None
    """`pocket`, `hand` or `bag`; None: the seed decides."""
    sensors: Sequence[str] = ("accelerometer",)
    seconds: float = float("inf")
    """How long it records; the script repeats until then."""
    faults: Sequence[str] = ()
    """Names of FAULTS: what happens to its messages on the way (see `arrivals`)."""
    _made: "_Made" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rate = RATES[self.form] if self.rate is None else self.rate
        _check(self, rate)
        object.__setattr__(self, "_made", _Made(self, rate))

    @property
    def device_id(self) -> str:
        """A friendly name that starts with `sim-`."""
        return self._made.device_id

    @property
    def parsed(self) -> Script:
        """Its script."""
        return self._made.script

    def session_id(self, start_ns: int) -> str:
        """The id of the recording that begins then: another start is another session."""
        words = np.random.SeedSequence([self.seed, start_ns & 0xFFFF_FFFF_FFFF_FFFF, 7]).generate_state(4)
        return str(UUID(bytes=words.tobytes(), version=4))

    def stream(self, start_ns: int) -> Stream:
        """The ids of the recording that begins then."""
        return Stream(self.device_id, self.session_id(start_ns))

    def test_push(self, start_ns: int) -> Push:
        """What the app sends when its user taps "Test Pushing"."""
        body = envelope(0, self.session_id(start_ns), self.device_id, [b'{"name":"test"}'])
        return Push(due_ns=0, body=body, readings=0, message_id=0, test=True)

    def arrivals(self, start_ns: int, batch_ms: int = 1000) -> Iterator[Push]:
        """Its messages as they reach the server, in the order of arrival: with its faults applied."""
        return with_faults(self.messages(start_ns, batch_ms), self.faults, self.seed)

    def messages(self, start_ns: int, batch_ms: int = 1000) -> Iterator[Push]:
        """Its messages in order, one per batch period, without faults.

        A reading does not depend on the batch period. The iterator ends with `seconds`.
        """
        session_id, batch = self.session_id(start_ns), batch_ms * _MS
        end = None if self.seconds == float("inf") else round(self.seconds * _S)
        number = begin = 0
        while end is None or begin < end:
            upto = begin + batch if end is None else min(begin + batch, end)
            rows = payload(self._made.blocks(begin, upto, start_ns))
            body = envelope(number, session_id, self.device_id, rows)
            yield Push(upto + self._made.latency(number, batch), body, len(rows), number)
            number, begin = number + 1, upto


class _Made:
    """What follows from a phone's settings, computed once."""

    def __init__(self, phone: Phone, rate: float) -> None:
        rng = np.random.default_rng(np.random.SeedSequence([phone.seed, 1]))
        self.form, self.script = phone.form, Script.parse(phone.script)
        self.device_id = device_name(phone.seed)
        names = list(PLACEMENTS)
        drawn = names[int(rng.integers(len(names)))]
        placement = PLACEMENTS[phone.placement or drawn]
        self.body = Body(rng, self.script, Carried(phone.form, placement, phone.gain))
        self.grids = _grids(rng, phone.form, rate)
        self._sensors: list[tuple[Sensor, Template]] = [
            (BY_NAME[name], Template(name, BY_NAME[name].keys, None if phone.form == "iphone" else 3))
            for name in phone.sensors
        ]
        self._magnetic = rng.normal(0.0, 28.0, 3)
        self._drain = float(rng.uniform(0.05, 0.15)) / 3600.0
        self._latency = rng.integers(8 * _MS, 60 * _MS, 256)

    def latency(self, number: int, batch: int) -> int:
        """How long a message travels: never so long that it overtakes another."""
        return min(int(self._latency[number % 256]), batch // 2)

    def blocks(self, begin: int, upto: int, start_ns: int) -> list[Block]:
        """The readings due in [begin, upto), ns since the start."""
        scenes: dict[GridName, tuple[Scene, Times]] = {}
        out = []
        for sensor, template in self._sensors:
            if sensor.grid not in scenes:
                scenes[sensor.grid] = self._scene(self.grids[sensor.grid], begin, upto)
            scene, times = scenes[sensor.grid]
            if len(times):
                out.append(Block(template, as_written(times + start_ns), sensor.columns(scene)))
        return out

    def _scene(self, grid: Grid, begin: int, upto: int) -> tuple[Scene, Times]:
        index = grid.span(begin, upto)
        seconds: Floats = (grid.nominal(index) * 1e-9).astype(np.float64, copy=False)
        scene = Scene(self.form, self.body, self.script, seconds, index, self._magnetic, self._drain)
        return scene, grid.times(index)


def _grids(rng: np.random.Generator, form: Form, rate: float) -> dict[GridName, Grid]:
    """An iPhone's step is a little longer than asked and steady; Android keeps the step and hiccups now and then."""
    stretch = 1.0 + (rng.uniform(0.0008, 0.0033) if form == "iphone" else 0.0)
    spread, hiccups = (350.0, 0.0) if form == "iphone" else (2000.0, 0.005)
    step = round(_S / rate * stretch)
    return {
        "fused": Grid.of(rng, step, spread_ns=spread, hiccups=hiccups),
        "raw": Grid.of(rng, step, spread_ns=spread, hiccups=hiccups),
        "second": Grid.of(rng, _S, spread_ns=200_000.0),
        "ten_seconds": Grid.of(rng, 10 * _S, spread_ns=200_000.0),
    }


def _check(phone: Phone, rate: float) -> None:
    faults = [*_numbers_at_fault(phone, rate), *_sensors_at_fault(phone)]
    if phone.placement is not None and phone.placement not in PLACEMENTS:
        faults.append(("placement", f"{phone.placement!r} is not known", f"Use one of {', '.join(PLACEMENTS)}."))
    for name in phone.faults:
        if name not in FAULT_NAMES:
            faults.append(("faults", f"{name!r} is not known", f"Use some of {', '.join(FAULT_NAMES)}."))
    if faults:
        raise SettingsError(faults)


def _numbers_at_fault(phone: Phone, rate: float) -> Iterator[tuple[str, str, str]]:
    if phone.seed < 0:
        yield "seed", f"{phone.seed}", "Seeds are whole numbers from 0 on."
    if not 17 <= rate <= 400:
        yield "rate", f"{rate:g} Hz", "Phones take 17 to 400 samples a second."
    if not phone.seconds > 0:
        yield "seconds", f"{phone.seconds:g}", "A recording lasts longer than 0 s."


def _sensors_at_fault(phone: Phone) -> Iterator[tuple[str, str, str]]:
    for name in phone.sensors:
        if name not in BY_NAME:
            yield "sensors", f"{name!r} is not known", f"Use some of {', '.join(BY_NAME)}."
        elif phone.form not in BY_NAME[name].forms:
            yield "sensors", f"{phone.form} has no {name}", "Leave it out, or simulate the other form."
