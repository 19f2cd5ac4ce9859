"""A dataset to look at: one ``report.html`` that opens without a server, a network or a library.

::

    stored pairs ─► reading ─► overview (figures, plots, graph) ─┐
                       └─────► packing  (index and blocks)  ─────┴─► page ─► report.html

The overview is plain HTML and SVG; pairs are compressed beside it and unpacked by the page when they are looked at.
What came from data is text, wherever it is shown.
"""

from contrafact.report.making import make_report, report_pages, report_quickly, shown_at_the_end

__all__ = ["make_report", "report_pages", "report_quickly", "shown_at_the_end"]
