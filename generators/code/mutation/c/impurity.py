"""What a C function does besides computing: files, processes, clocks, chance. Told by the names that it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from contrafact.engines.syntax import walk
from generators.code.mutation.c.nodes import text

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["impurity"]

_OF = {
    "files": "fopen fdopen freopen fread fwrite fgets fputs fgetc fputc getc fprintf fscanf scanf getchar gets open "
    "openat creat read write close stat fstat lstat opendir readdir unlink rename mkdir rmdir chdir getcwd dup dup2 "
    "pipe ioctl fcntl mmap munmap select poll tmpfile mkstemp access chmod chown readlink symlink link truncate lseek "
    "fseek",
    "sockets": "socket connect bind listen accept send recv sendto recvfrom getaddrinfo gethostbyname",
    "processes": "fork vfork execl execlp execle execv execvp execve system popen wait waitpid kill raise signal "
    "sigaction pthread_create pthread_join alarm sleep usleep nanosleep getpid getppid getuid setuid",
    "a clock": "time clock gettimeofday clock_gettime localtime gmtime ctime mktime strftime times",
    "chance": "rand srand random srandom drand48 lrand48 getrandom getentropy arc4random",
    "its environment": "getenv setenv putenv secure_getenv setlocale localeconv",
    "jumps out of the function": "setjmp longjmp sigsetjmp siglongjmp",
    "assembly": "asm __asm__ __asm",
}
_KIND: Mapping[str, str] = {name: kind for kind, names in _OF.items() for name in names.split()}


def impurity(node: tree_sitter.Node) -> str:
    """Why what a node does is not decided by its arguments alone; empty where nothing speaks against it."""
    for each in walk(node):
        if each.type == "call_expression":
            function = each.child_by_field_name("function")
            name = "" if function is None else text(function)
            if name in _KIND:
                return f"uses {_KIND[name]} ({name})"
        elif each.type == "gnu_asm_expression":
            return "uses assembly"
    return ""
