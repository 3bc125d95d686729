"""The text of a token, and what is stored of it.

A token is 140 random bits, so nobody guesses it and no two are equal. Only its SHA-256 is stored: a stolen registry
gives no token away. A slow, salted hash (argon2, scrypt) defends words that people choose against guessing; there is
nothing to guess here, and the hash is computed on requests, where slowness would only help to load the server.
"""

import hashlib
import secrets
from typing import Final

#: Crockford's base32: no I, L, O, U, so that what is read aloud or typed is not mistaken.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS: Final = 7
_GROUP: Final = 4
_LENGTH: Final = _GROUPS * _GROUP
_MISTAKEN: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def new_secret() -> str:
    """A fresh token, in groups that can be typed.

    >>> len(new_secret())
    34
    """
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[i : i + _GROUP] for i in range(0, _LENGTH, _GROUP))


def hash_of(text: str) -> bytes | None:
    """What is stored of a token, however it was typed; None when the text cannot be one.

    >>> hash_of("0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV") == hash_of("oi23 4567 89ab cdef ghjk mnpq rstv")
    True
    >>> hash_of("hunter2") is None
    True
    """
    if len(text) > 2 * _LENGTH:
        return None
    plain = text.lower().translate(_MISTAKEN)
    if len(plain) != _LENGTH or not set(plain) <= set(_ALPHABET):
        return None
    return hashlib.sha256(plain.encode("ascii")).digest()
