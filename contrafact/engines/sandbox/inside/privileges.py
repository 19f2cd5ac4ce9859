"""What the sandbox's process gives up before it serves, and what nobody else may do to it."""

from __future__ import annotations

import ctypes
import os
import signal

__all__ = ["drop", "seen", "unseen"]

_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SUBREAPER = 1, 4, 36
_NO_RANDOM_ADDRESSES = 0x0040000
_NOBODY = 65534
_library = ctypes.CDLL(None)


def drop(uid: int | None) -> bool:
    """Become a user that owns nothing, as root; without a ``uid`` there is nothing to give up.

    Returns
    -------
    bool
        False where the user had to be the one that other sandboxes have, too: the kernel counts processes by user, and
        a limit on their number would be all sandboxes' together.
    """
    if uid is None:
        return True
    os.setgroups([])
    try:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError:  # a container that maps only the usual 65,536 users
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        return False
    return True


def unseen(*, isolated: bool) -> None:
    """No tracing of this process, no look at its memory or descriptors; it ends with the one that started it.

    Not isolated, it also inherits the processes that its children leave behind. Programs that it starts get the same
    addresses in every run where the machine allows that.
    """
    if not hasattr(_library, "prctl"):  # not Linux
        return
    _library.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    _library.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    _library.personality(_NO_RANDOM_ADDRESSES)
    if not isolated:
        _library.prctl(_SET_SUBREAPER, 1, 0, 0, 0)


def seen() -> None:
    """In a child: a process whose entries in ``/proc`` are its user's again, and that ends with its parent."""
    if hasattr(_library, "prctl"):
        _library.prctl(_SET_DUMPABLE, 1, 0, 0, 0)
        _library.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
