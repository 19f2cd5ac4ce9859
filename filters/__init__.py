"""The judgements that recipes may name: ``name -> "module:Class"``, so that listing them imports none of them."""

from __future__ import annotations

__all__ = ["FILTERS"]

FILTERS: dict[str, str] = {
    "balance": "filters.balance:Balance",
    "clusters": "filters.clusters:Clusters",
    "duplicates": "filters.duplicates:Duplicates",
    "effect_size": "filters.effect_size:EffectSize",
    "effective_sample_size": "filters.effective_sample_size:EffectiveSampleSize",
    "exact": "filters.exactness:Exact",
    "graph": "filters.graph:GraphConsistency",
    "label_flip": "filters.label_flip:LabelFlip",
    "support": "filters.support:Support",
}
