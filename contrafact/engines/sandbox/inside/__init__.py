"""What runs inside the sandbox: the standard library and this folder, nothing else of ours.

::

    __main__ ─► supervisor (reads jobs) ─► a forked child a program ─► loading (the code under test)
                    │                          │ answers, printed text, how it ended
                    └────── watching ◄─────────┘
"""
