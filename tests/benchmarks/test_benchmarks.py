"""docs/benchmarks.md shows what was measured, and only that."""

from __future__ import annotations

import argparse
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mediapipe.failures import TwilioError
from tests.benchmarks import beside_downloads, excess_wait, growth, quorum, records, summary, twilio
from tests.benchmarks.__main__ import PARTS, main
from tests.benchmarks.alternatives import STRATEGIES, Item, Strategy, fixed

ACKNOWLEDGE = {
    "media": 1,
    "runs": [
        {
            "database": "sqlite",
            "broker": "redis",
            "rounds": [
                {
                    view: {"rate": rate, "p50_ms": 7.0, "p99_ms": 9.0, "cpu_ms": 3.0}
                    for view, rate in (("full", full), ("inserts", 400.0), ("nothing", 800.0))
                }
                for full in (100.0, 300.0, 200.0)
            ],
            "at_half_rate": {
                view: {"rate": 100.0, "p50_ms": 2.0, "p99_ms": 3.0}
                for view in ("full", "inserts", "nothing")
            },
        }
    ],
}


RETRIEVE = {
    "database": "postgresql",
    "broker": "rabbitmq",
    "concurrency": 16,
    "media": 300,
    "workers": ["threads"],
    "stalled": {"gevent": "82 of 100 are done, without progress."},
    "memory_mb": {"threads": 80.0},
    "runs": [
        {
            "size": 50_000,
            "answer_ms": 100,
            "rounds": [
                {
                    "bare loop": {"rate": bare, "cpu_s_per_1000": 2.0, "twilio_busy": 0.1},
                    "bare loop, hashed and synced": {"rate": bare, "cpu_s_per_1000": 3.0},
                    "threads": {"rate": ours, "cpu_s_per_1000": 4.0},
                }
                for bare, ours in ((100.0, 50.0), (200.0, 90.0), (300.0, 240.0))
            ],
        }
    ],
}

WAIT = {
    "items": 1000,
    "rate": 40.0,
    "messages": 100,
    "runs": [
        {
            "broker": "redis",
            "memory_mb": {"worker-retries": 120.0, "broker": 16.0},
            "stages": {
                name: {"p50_s": 0.01, "p99_s": p99_s, "max_s": 9.0, "felt_s": felt_s}
                for name, p99_s, felt_s in (
                    ("undisturbed", 0.2, 0.0),
                    ("worker restarted", 6.0, 7.0),
                    ("broker restarted", 8.0, 9.0),
                )
            },
            "lost": 0,
            "gone": 3,
        }
    ],
}
MEMORY = {
    "broker": "redis",
    "large": {"bodies": 64, "megabytes": 50, "at_once": 60, "idle_mb": 100.0, "peak_mb": 150.0},
    "small": [{"items": 1000, "rss_mb": 100.0}, {"items": 9000, "rss_mb": 110.0}],
}


def written(folder: Path, part: str, at: str, **figures: Any) -> None:
    """Write a run of this part and time to the folder."""
    conditions = {
        "at": at,
        "commit": "abc1234",
        "machine": "a computer",
        "versions": {"Python": "3.11"},
        "cores": 2,
        "load_before": 0.1,
        "load_after": 2.0,
    }
    name = f"{part}-{at.replace('-', '').replace(':', '')}Z.json"
    (folder / name).write_text(json.dumps(conditions | figures))


def test_a_part_that_was_never_run_has_no_figures(tmp_path: Path) -> None:
    assert summary.page(tmp_path).count("Not measured yet.") == len(PARTS)


def test_the_ratio_is_the_median_of_the_ratios_of_each_round(tmp_path: Path) -> None:
    written(tmp_path, "acknowledge", "2026-11-25T10:00:00", **ACKNOWLEDGE)
    assert "| sqlite | redis | 200 | 400 | 800 | 0.50 | 0.25 |" in summary.page(tmp_path)


def test_webhooks_beside_downloads_are_reported_with_the_spread_of_the_rounds() -> None:
    kinds = beside_downloads.KINDS
    rounds = [
        {kind: dict.fromkeys(beside_downloads.FIGURES, ms) for kind in kinds} for ms in (9, 7)
    ]
    run = {"database": "sqlite", "broker": "embedded", "rounds": rounds}
    row = "| sqlite | embedded | without media |" + " 8 (7-9) |" * 4
    assert beside_downloads.section({"rate": 20.0, "downloads": 16, "runs": [run]})[-1] == row


def test_a_worker_is_compared_with_the_bare_loop_of_its_own_round(tmp_path: Path) -> None:
    written(tmp_path, "retrieve", "2026-11-25T10:00:00", **RETRIEVE)
    assert "| 50 KB | 100 ms | 200 | 200 (1.00) | 90 (0.50) |" in summary.page(tmp_path)


def test_a_worker_that_stalled_is_reported(tmp_path: Path) -> None:
    written(tmp_path, "retrieve", "2026-11-25T10:00:00", **RETRIEVE)
    assert "gevent did not finish: 82 of 100" in summary.page(tmp_path)


def test_a_media_sid_encodes_its_response() -> None:
    sid = twilio.media_sid(5_000_000, 100)
    assert twilio.decode_sid(sid) == (5_000_000, 0.1)
    assert re.fullmatch("ME[0-9a-f]{32}", sid)


def test_waiting_items_are_reported_by_stage_and_lost_ones_are_counted(tmp_path: Path) -> None:
    written(tmp_path, "wait", "2026-11-25T10:00:00", **WAIT)
    page = summary.page(tmp_path)
    assert "| redis | 120 | 16 | 0.01 / 0.20 / 9.00 | 0.01 / 6.00 / 9.00 |" in page
    assert "| 7.0 | 9.0 | 3 |" in page


def test_memory_is_compared_between_the_first_and_the_last_item_count(tmp_path: Path) -> None:
    written(tmp_path, "memory", "2026-11-25T10:00:00", **MEMORY)
    page = summary.page(tmp_path)
    assert "After 9,000 items it has 1.10 times what it had after 1,000." in page


def test_only_the_latest_run_is_reported(tmp_path: Path) -> None:
    written(tmp_path, "acknowledge", "2026-11-25T10:00:00", **ACKNOWLEDGE)
    written(tmp_path, "acknowledge", "2026-11-26T09:00:00", **ACKNOWLEDGE)
    page = summary.page(tmp_path)
    assert "2026-11-26 09:00 UTC" in page
    assert "2026-11-25" not in page


def test_a_busy_machine_is_reported(tmp_path: Path) -> None:
    written(tmp_path, "acknowledge", "2026-11-25T10:00:00", **ACKNOWLEDGE)
    assert "busy" not in summary.page(tmp_path)
    busy = ACKNOWLEDGE | {"load_before": 5.0}
    written(tmp_path, "acknowledge", "2026-11-25T11:00:00", **busy)
    assert "busy" in summary.page(tmp_path)


def test_a_run_records_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    records.write("acknowledge", ACKNOWLEDGE, load_before=0.5)
    run = records.latest("acknowledge")
    assert run is not None
    assert {"at", "machine", "cores", "versions", "commit", "load_before"} <= run.keys()
    assert run["runs"] == ACKNOWLEDGE["runs"]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_section_of_the_page(part: str) -> None:
    module = import_module(f"tests.benchmarks.{part}")
    assert part == module.PART
    assert callable(module.main)
    assert callable(module.section)


def test_an_unknown_part_is_refused_with_the_names_of_the_parts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["acknowlege"]) == 2
    assert "acknowledge" in capsys.readouterr().out


def test_each_queue_type_is_reported_by_the_median_of_its_rounds() -> None:
    names = ("published_per_s", "done_per_s", "waiting_published_per_s", "held_mb")
    rounds = [
        {
            kind: dict.fromkeys(names, figure) | {"late_p50_s": late_s, "late_p99_s": late_s}
            for kind, late_s in (("classic", 0.01), ("quorum", 0.5))
        }
        for figure in (1.0, 30.0, 2.0)
    ]
    lines = quorum.section({"messages": 10, "rounds": rounds})
    assert lines[-2:] == [
        "| classic | 2 | 2 | 2 | +2 MB | 0.01 / 0.01 s |",
        "| quorum | 2 | 2 | 2 | +2 MB | 0.50 / 0.50 s |",
    ]


def test_only_late_media_is_lost_without_retries() -> None:
    items = [Item(0.0, 0.0), Item(1.0, 0.5)]
    excess_wait.simulated(Strategy("once", fixed()), items)
    assert [item.found_s is None for item in items] == [False, True]


def test_the_delay_before_the_next_attempt_starts_after_the_response() -> None:
    item = Item(10.0, 1.2)
    excess_wait.simulated(Strategy("every second", fixed(1, 1)), [item])
    assert item.found_s == 10 + 1 + 2 * excess_wait.ANSWER_S
    assert item.requests == 2


def test_bad_responses_are_received_once_the_media_is_available() -> None:
    item = Item(0, 10, bad=[TwilioError()])
    excess_wait.simulated(Strategy("every ten seconds", fixed(10, 10)), [item])
    assert (item.requests, item.found_s) == (3, 20 + 3 * excess_wait.ANSWER_S)


def test_the_item_of_a_killed_worker_is_lost_unless_it_is_taken_over() -> None:
    lost, taken = Item(0, 0), Item(0, 0)
    kill_s = [excess_wait.ANSWER_S / 2]
    excess_wait.simulated(Strategy("once", fixed()), [lost], kill_s)
    excess_wait.simulated(Strategy("again", fixed(), takes_over_s=5), [taken], kill_s)
    assert lost.found_s is None
    assert taken.found_s == kill_s[0] + 5 + excess_wait.ANSWER_S


def test_a_sleeping_worker_blocks_the_other_items() -> None:
    def found_s(*, sleeps: bool) -> float | None:
        items = [*(Item(0.0, 1000.0) for _ in range(16)), Item(0.1, 0.0)]
        excess_wait.simulated(Strategy("one long wait", fixed(60), sleeps=sleeps), items)
        return items[-1].found_s

    awake_s, asleep_s = found_s(sleeps=False), found_s(sleeps=True)
    assert awake_s is not None
    assert asleep_s is not None
    assert awake_s < 1 < 60 < asleep_s


@pytest.mark.parametrize("name", excess_wait.TRACES)
def test_this_service_loses_nothing_where_a_way_without_retries_does(name: str) -> None:
    options = argparse.Namespace(media=200, rate=2.0, seed=3)
    lost = {
        strategy.name: excess_wait.figures(strategy, excess_wait.trace(name, options))["lost"]
        for strategy in STRATEGIES
    }
    assert lost["this service"] == 0
    assert lost["no retry (Twilio's sample)"] > 0


def test_the_trace_is_the_same_for_every_way() -> None:
    options = argparse.Namespace(media=50, rate=2.0, seed=3)
    first, second = (excess_wait.trace("an ordinary day", options) for _ in range(2))
    assert first == second


def grown(*ratios: float) -> dict[str, Any]:
    """Return a run of `growth`, with a round for each ratio of the large to the small database.

    The machine gets slower from round to round.
    """

    def cost(ms: float) -> growth.Figures:
        return {work: {"ms": ms, "cpu_ms": ms, "blocks": 50 * ms} for work in growth.BOUNDED}

    rounds = [[cost(pace), cost(pace * ratio)] for pace, ratio in enumerate(ratios, start=1)]
    return {"sizes": [10, 1000], "times": 1, "rounds": rounds}


def test_growth_is_measured_within_a_round() -> None:
    assert growth.growth(grown(1.1, 1.3, 1.2), "claim", 1, "ms") == pytest.approx(1.2)
    assert "| claim | 2.00 | 2.60 | 1.20 | 1.20 | 100 | 130 |" in growth.table(grown(1.1, 1.3, 1.2))


def test_growth_beyond_the_limit_is_reported() -> None:
    assert "acknowledge, claim, sweep: that holds." in "\n".join(growth.section(grown(1.2)))
    assert "acknowledge, claim, sweep took more." in "\n".join(growth.section(grown(1.4)))
