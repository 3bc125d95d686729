"""The phones: what they are called and what is known of them."""

import sqlite3
from dataclasses import dataclass
from typing import Final, Literal, cast

from gaitway.errors import NotFoundError, RefusedError
from gaitway.registry.store import Registry

Platform = Literal["ios", "android"]
_NAME_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class Device:
    """One phone. `first_seen` is ns; `name` is what its owner called it, else None."""

    device_id: str
    name: str | None
    platform: Platform | None
    model: str | None
    first_seen: int
    simulated: bool

    @property
    def label(self) -> str:
        """What to show: its name, or a piece of its id."""
        return self.name or f"Phone {self.device_id[:8]}"


def _device(row: sqlite3.Row) -> Device:
    platform = cast("Platform | None", row["platform"])
    return Device(row["device_id"], row["name"], platform, row["model"], row["first_seen"], bool(row["simulated"]))


class Devices:
    """All phones that ever pushed. Changes are durable on return."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def seen(self, device: Device) -> None:
        """Note a phone, or what is newly known of one: nothing that is known already is overwritten."""
        with self._registry.transaction() as db:
            db.execute(
                "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device_id) DO UPDATE SET"
                " name = coalesce(devices.name, excluded.name),"
                " platform = coalesce(devices.platform, excluded.platform),"
                " model = coalesce(devices.model, excluded.model),"
                " simulated = max(devices.simulated, excluded.simulated)",
                (
                    device.device_id,
                    device.name,
                    device.platform,
                    device.model,
                    device.first_seen,
                    int(device.simulated),
                ),
            )

    def rename(self, device_id: str, name: str) -> Device:
        """Call a phone something else; an empty name takes its name away. Raises NotFoundError, RefusedError."""
        plain = " ".join(name.split())
        if len(plain) > _NAME_LENGTH or not plain.isprintable():
            message = f"a name has at most {_NAME_LENGTH} printable characters"
            raise RefusedError(message, where="name", hint="Choose a shorter one.", reason="name")
        with self._registry.transaction() as db:
            db.execute("UPDATE devices SET name = ? WHERE device_id = ?", (plain or None, device_id))
        return self.get(device_id)

    def get(self, device_id: str) -> Device:
        """One phone. Raises NotFoundError."""
        rows = self._registry.rows("SELECT * FROM devices WHERE device_id = ?", (device_id,))
        if not rows:
            raise NotFoundError("no such phone", where="device_id", hint="See GET /api/phones.")
        return _device(rows[0])

    def all(self) -> list[Device]:
        """Every phone, oldest first."""
        return [_device(row) for row in self._registry.rows("SELECT * FROM devices ORDER BY first_seen, device_id")]
