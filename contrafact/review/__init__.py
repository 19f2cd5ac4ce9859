"""People judge pairs: a page on loopback takes their marks, which are kept beside the dataset and summed up here."""

from contrafact.review.marks import MARKS, Mark, append, latest, marks_file, read_marks
from contrafact.review.summary import Summary, digest_of, summarise

__all__ = ["MARKS", "Mark", "Summary", "append", "digest_of", "latest", "marks_file", "read_marks", "summarise"]
