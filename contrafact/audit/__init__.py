"""Audits of finished datasets: what a model's reaction to the pairs is worth, and what the pairs give away."""

from __future__ import annotations

from contrafact.audit.running import Settings, audit
from contrafact.audit.writing import markdown_of, write_audit

__all__ = ["Settings", "audit", "markdown_of", "write_audit"]
