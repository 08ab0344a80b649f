"""The verdict on how fast alerts get out: what is not as promised is a miss, however fast it was."""

import pytest

from benchmarks.forward import Figures, _verdict


def figures(alerts: int, **more: float) -> Figures:
    usual = {"kept": 1.0, "delivered": alerts / 20_000, "cpu": 1.0, "peak": 100.0, "requests": alerts // 1_000}
    return Figures(alerts=alerts, arrived=int(more.pop("arrived", alerts)), megabytes=1.0, **{**usual, **more})  # type: ignore[arg-type]


FEW = figures(10_000)


def test_what_is_as_promised_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert _verdict(FEW, figures(100_000)) == 0
    assert capsys.readouterr().out.count("PASS") == 3


@pytest.mark.parametrize(
    "more",
    [
        {"delivered": 11.0},
        {"peak": 140.0},
        {"arrived": 99_999},
        {"arrived": 100_001},
        {"requests": 99},
        {"requests": 5_000},
    ],
)
def test_anything_else_is_a_miss(more: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    assert _verdict(FEW, figures(100_000, **more)) == 1
    assert "MISS" in capsys.readouterr().out
