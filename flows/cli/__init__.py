"""The command line: ``contrafact``. Importing it is cheap; each command imports what it needs when it is called."""

from flows.cli.app import main

__all__ = ["main"]
