"""A compressed body is what its header says, whole, and within the limit; or it is refused."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gaitway.errors import BodyError, TooLargeError
from gaitway.ingest.inflate import inflate

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "x-gzip": gzip.compress, "zstd": zstandard.compress}


@given(st.binary(max_size=200_000), st.lists(st.sampled_from(sorted(PACK)), max_size=3))
def test_several_encodings_come_off_in_reverse(plain: bytes, names: list[str]) -> None:
    body = plain
    for name in names:
        body = PACK[name](body)
    assert inflate(body, ", ".join(names)) == plain


@pytest.mark.parametrize("header", ["", "identity", " Identity , "])
def test_a_plain_body_is_left_alone(header: str) -> None:
    assert inflate(b"[1]", header) == b"[1]"


def test_header_names_are_case_insensitive() -> None:
    assert inflate(gzip.compress(b"x"), "GZIP") == b"x"


@pytest.mark.parametrize("name", sorted(PACK))
def test_members_are_joined(name: str) -> None:
    assert inflate(PACK[name](b"ab") + PACK[name](b"") + PACK[name](b"cd"), name) == b"abcd"


@pytest.mark.parametrize("name", sorted(PACK))
def test_the_limit_is_inclusive(name: str) -> None:
    body = PACK[name](b"a" * 1000)
    assert len(inflate(body, name, 1000)) == 1000
    with pytest.raises(TooLargeError) as refused:
        inflate(body, name, 999)
    assert refused.value.status == 413
    assert refused.value.hint


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_bomb_is_stopped_while_it_inflates(name: str) -> None:
    bomb = PACK[name](b"\0" * (256 << 20))
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        inflate(bomb, name, 1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20


def test_a_bomb_inside_a_bomb_is_stopped() -> None:
    inner = gzip.compress(b"\0" * (64 << 20))
    with pytest.raises(TooLargeError):
        inflate(zstandard.compress(inner), "gzip, zstd", 1 << 20)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_every_truncation_is_seen(name: str) -> None:
    body = PACK[name](bytes(range(256)) * 4)
    for end in range(len(body)):
        with pytest.raises(BodyError):
            inflate(body[:end], name)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@given(junk=st.binary(min_size=1, max_size=2000))
def test_junk_is_refused_or_read_but_never_crashes(name: str, junk: bytes) -> None:
    for body in (junk, PACK[name](b"[]") + junk):
        try:
            inflate(body, name, 1 << 20)
        except (BodyError, TooLargeError) as error:
            assert error.hint


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_thousands_of_empty_members_are_refused(name: str) -> None:
    with pytest.raises(BodyError, match="parts"):
        inflate(PACK[name](b"") * 2000, name)


def test_a_damaged_checksum_is_seen() -> None:
    body = bytearray(gzip.compress(b"readings"))
    body[-5] ^= 1
    with pytest.raises(BodyError):
        inflate(bytes(body), "gzip")


@pytest.mark.parametrize("header", ["br", "deflate", "gzip, gzip, gzip, gzip"])
def test_other_encodings_are_named_in_the_refusal(header: str) -> None:
    with pytest.raises(BodyError) as refused:
        inflate(zlib.compress(b"x"), header)
    assert refused.value.where == "Content-Encoding"
    assert refused.value.reason == "encoding"
