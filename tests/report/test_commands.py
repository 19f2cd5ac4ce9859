"""The commands with which people look at a dataset, as a user meets them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from contrafact.review import Mark, append, digest_of, marks_file
from tests.core.builds import every_pair
from tests.flows.commands import ROOT, contrafact
from tests.report.datasets import built


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("reviews", tmp_path_factory.mktemp("commands"))


def test_report_says_where_the_page_is_and_what_it_holds(
    reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = contrafact(capsys, "report", reviews, "--out", tmp_path / "page.html")
    assert outcome.code == 0, outcome
    assert "all 60 pairs" in outcome.text
    assert "open it in a browser" in outcome.text
    assert (tmp_path / "page.html").read_bytes() == (reviews / "report.html").read_bytes()
    sampled = contrafact(capsys, "report", reviews, "--out", tmp_path / "page.html", "--pairs", 30)
    assert "of 60 pairs, drawn at random" in sampled.text


def test_what_is_no_dataset_is_said_in_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["report"], ["review"], ["review", "--summary"]):
        outcome = contrafact(capsys, command[0], tmp_path, *command[1:])
        assert outcome.code == 2
        assert "is no run directory" in outcome.text
        assert "Traceback" not in outcome.text


def test_a_summary_prints_precision_reasons_scores_thresholds_and_kappa(
    reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = contrafact(capsys, "review", reviews, "--summary")
    assert "Nobody has marked a pair" in nobody.text
    for number, pair in enumerate(every_pair(reviews).to_pylist()):
        mark = "right" if pair["accepted"] and number % 10 else "wrong"
        append(marks_file(reviews), Mark.now(pair["pair_id"], "ada", mark, digest_of(pair)))
        if number % 3 == 0:
            append(marks_file(reviews), Mark.now(pair["pair_id"], "bob", "right", digest_of(pair)))
    outcome = contrafact(capsys, "review", reviews, "--precision", 0.7)
    assert outcome.code == 0, outcome
    for words in (
        "60 pairs marked by ada (60), bob (20)",
        "shorter: too far from the factual",
        "By shorter, accepted or not",
        "shorter <= 1: precision",
        "mark pairs beyond the line afresh",
        "ada and bob on 20 pairs",
        "marked differently by different people",
        "drawn at random",
    ):
        assert words in outcome.text, words


@pytest.mark.parametrize("option", [("--precision", 1.5), ("--precision", 0), ("--level", 1)])
def test_a_share_that_is_none_is_refused(
    option: tuple[str, float], reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = contrafact(capsys, "review", reviews, "--summary", *option)
    assert outcome.code == 2
    assert "above 0 and below 1" in outcome.text


def test_a_port_in_use_is_said_so(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = contrafact(capsys, "review", reviews, "--port", taken.getsockname()[1])
    assert outcome.code == 2
    assert "cannot be used" in outcome.text
    assert "--port" in outcome.text


def test_ctrl_c_stops_the_server_and_says_what_comes_next(reviews: Path) -> None:
    command = [sys.executable, "-u", "-m", "flows.cli", "review", str(reviews)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "COLUMNS": "200"}) as running:  # fmt: skip
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(3)]
        assert "http://127.0.0.1:" in lines[1]
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
        assert running.wait(60) == 0
    assert "--summary" in rest
    assert "Traceback" not in rest
