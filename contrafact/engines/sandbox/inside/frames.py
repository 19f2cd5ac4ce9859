"""Messages between processes: a secret, a length, the bytes. Whoever does not know the secret cannot write one."""

from __future__ import annotations

import os
import struct

__all__ = ["SECRET_BYTES", "Broken", "Reader", "send"]

SECRET_BYTES = 16
_LENGTH = struct.Struct(">I")
_HEAD = SECRET_BYTES + _LENGTH.size

# Bound here: the code under test shares a process with the sender and may replace what `os` holds.
_write, _pack = os.write, _LENGTH.pack


class Broken(ValueError):  # noqa: N818  # a finding about what was received
    """What was received is no message of ours."""


def send(fd: int, secret: bytes, payload: bytes) -> None:
    """Write one message whole. Raises ``OSError`` where nobody reads any more."""
    rest = secret + _pack(len(payload)) + payload
    while rest:
        rest = rest[_write(fd, rest) :]


class Reader:
    """Takes messages out of a stream that arrives in pieces.

    Parameters
    ----------
    secret : bytes, 16 long
    most : int
        Bytes that a message may have.
    """

    def __init__(self, secret: bytes, most: int) -> None:
        self.secret, self.most = secret, most
        self._held = bytearray()

    def feed(self, piece: bytes) -> None:
        """Add what has arrived."""
        self._held += piece

    def take(self) -> bytes | None:
        """The next whole message, or None until more has arrived.

        Raises
        ------
        Broken
            Where the bytes do not begin with the secret, or announce more than is allowed.
        """
        if not self._held:
            return None
        given = bytes(self._held[:SECRET_BYTES])
        if not self.secret.startswith(given):
            raise Broken("not the secret")
        if len(self._held) < _HEAD:
            return None
        (length,) = _LENGTH.unpack_from(self._held, SECRET_BYTES)
        if length > self.most:
            raise Broken(f"{length} bytes announced")
        if len(self._held) < _HEAD + length:
            return None
        payload = bytes(self._held[_HEAD : _HEAD + length])
        del self._held[: _HEAD + length]
        return payload
