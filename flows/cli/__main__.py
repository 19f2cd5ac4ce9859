"""``python -m flows.cli`` is ``contrafact``."""

from flows.cli import main

if __name__ == "__main__":
    main()
