"""The pure core: no clock, no I/O, no settings. NumPy columns, not an object per reading.

Everything here is a function of its arguments, so a replay of the same tape gives the same answer.
"""
