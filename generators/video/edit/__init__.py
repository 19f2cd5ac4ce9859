"""Edits of real footage that touch nothing but what they claim: an interval of frames, and a mask within it."""
