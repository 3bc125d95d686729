"""`--speed` of the commands that send: a number above 0, or `max`."""

import math

import click


def read_speed(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """A number above 0; infinite for `max`."""
    try:
        speed = math.inf if value == "max" else float(value)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        message = f"{value!r} is neither a number above 0 nor max"
        raise click.BadParameter(message, ctx, param)
    return speed
