"""The judgements that recipes may name: ``name -> "module:Class"``, so that listing them imports none of them."""

from __future__ import annotations

__all__ = ["FILTERS"]

FILTERS: dict[str, str] = {
    "balance": "filters.balance:Balance",
    "blind_test": "filters.blind_test:BlindTest",
    "clip_similarity": "filters.clip_similarity:ClipSimilarity",
    "clusters": "filters.clusters:Clusters",
    "code_minimality": "filters.code_minimality:CodeMinimality",
    "compiles": "filters.compiles:Compiles",
    "diversity": "filters.diversity:Diversity",
    "duplicates": "filters.duplicates:Duplicates",
    "effect_size": "filters.effect_size:EffectSize",
    "effective_sample_size": "filters.effective_sample_size:EffectiveSampleSize",
    "embedding": "filters.embedding:Embedding",
    "exact": "filters.exactness:Exact",
    "execution": "filters.execution:Execution",
    "fluency": "filters.fluency:Fluency",
    "graph": "filters.graph:GraphConsistency",
    "hidden_dependence": "filters.hidden_dependence:HiddenDependence",
    "label_flip": "filters.label_flip:LabelFlip",
    "language": "filters.language:Language",
    "minimality": "filters.minimality:Minimality",
    "near_duplicates": "filters.near_duplicates:NearDuplicates",
    "placebo": "filters.placebo:Placebo",
    "static": "filters.static:Static",
    "support": "filters.support:Support",
    "teacher": "filters.teacher:Teacher",
    "video_consistency": "filters.video_consistency:VideoConsistency",
    "visual_change": "filters.visual_change:VisualChange",
}
