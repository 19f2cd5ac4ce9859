"""System calls that code in the sandbox has no use for, refused by the kernel (seccomp, classic BPF).

bubblewrap's namespaces already hide files, network and other processes; this closes what namespaces leave open: memory
that no limit counts (System V segments, message queues), new user namespaces, tracing, and kinds of sockets that are
not bound to a network namespace (vsock reaches the host of a virtual machine).
"""

from __future__ import annotations

import errno
import platform
import struct

__all__ = ["program"]

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_REFUSED: dict[str, tuple[int, int]] = {  # name: number on x86_64, on aarch64
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "open_by_handle_at": (304, 265),
    "memfd_create": (319, 279),
}
_CLONE, _CLONE3, _SOCKET, _PRLIMIT = (56, 220), (435, 435), (41, 198), (302, 261)
_NEW_NAMESPACES = 0x7E020000  # mount, cgroup, UTS, IPC, user, PID, network
_FAMILIES = (1, 2, 10)  # unix, and internet of both kinds, which a network namespace without interfaces leads nowhere

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16


def program(machine: str | None = None) -> bytes | None:
    """The filter for ``bwrap --seccomp``; None for a processor whose numbers are not listed here.

    Refused calls fail with EPERM, those for new namespaces too; ``clone3``, whose flags a filter cannot read, fails
    with ENOSYS, so that libc falls back on ``clone``. Calls of another architecture end the process.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        return None
    column = list(_ARCHITECTURES).index(machine)
    refuse, unknown = _ERROR | errno.EPERM, _ERROR | errno.ENOSYS
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),  # x32 on the same architecture has other numbers
        (_RETURN, 0, 0, refuse),
    ]
    for numbers in _REFUSED.values():
        code += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, refuse)]
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, unknown)]
    code += [
        (_EQUAL, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _ARGUMENT),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
        *_only(_SOCKET[column], _FAMILIES, refuse),
        *_only(_PRLIMIT[column], (0,), refuse),  # one's own limits, never those of the sandbox's first process
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in code)


def _only(number: int, arguments: tuple[int, ...], refuse: int) -> list[tuple[int, int, int, int]]:
    """Allow one call with these first arguments alone; for other calls, go on behind."""
    count = len(arguments)
    return [
        (_EQUAL, 0, count + 3, number),
        (_LOAD, 0, 0, _ARGUMENT),
        *[(_EQUAL, count - place, 0, argument) for place, argument in enumerate(arguments)],
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
