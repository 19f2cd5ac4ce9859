"""NeMo Data Designer's side of the request benchmark: one text column over numbered rows, in its own interpreter.

Started by :mod:`benchmarks.requests` with ``-m``, and imports nothing of ours. Prints the seconds that ``create`` took
and how many rows came, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

__all__ = ["main"]


def main() -> None:
    """Make ``rows`` rows with ``in_flight`` calls at once against ``base_url``."""
    import data_designer.config as dd  # type: ignore[import-not-found]
    import pandas as pd
    from data_designer.interface import DataDesigner  # type: ignore[import-not-found]

    base_url, rows, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    provider = dd.ModelProvider(name="loopback", endpoint=base_url, provider_type="openai", api_key="none")
    parameters = dd.ChatCompletionInferenceParams(max_parallel_requests=in_flight, temperature=0.0, max_tokens=16)
    model = dd.ModelConfig(
        alias="model", model="loopback", provider="loopback", inference_parameters=parameters, skip_health_check=True
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(dd.DataFrameSeedSource(df=pd.DataFrame({"number": range(rows)})))
    prompt = "question number {{ number }}"
    builder.add_column(dd.LLMTextColumnConfig(name="answer", prompt=prompt, model_alias="model"))
    with tempfile.TemporaryDirectory() as folder:
        designer = DataDesigner(artifact_path=folder, model_providers=[provider])
        begin = time.perf_counter()
        made = designer.create(builder, num_records=rows)
        seconds = time.perf_counter() - begin
        answered = int(made.load_dataset()["answer"].notna().sum())
    print(json.dumps({"seconds": seconds, "rows": answered}))


if __name__ == "__main__":
    main()
