"""Executable counterfactuals: programs with a hidden input, asked what they would have returned for another input.

::

    syntax ─► branching, looping, calling, sequences, stories   (families draw programs)
       ├────► printing    (to source)
       ├────► evaluating  (our own interpreter)      ┐ must agree
       └────► sandboxed   (CPython in the sandbox)   ┘
    abduction ─► which hidden values fit the fact, and what each of them gives for the other input
    asking    ─► the prompt        reward ─► for those who train on it

``reward`` imports nothing but the standard library.
"""
