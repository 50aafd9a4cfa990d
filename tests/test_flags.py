"""Flags of train and prepare: every field of a dataclass with its help and default."""
from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pytest

from valle.cli import run
from valle.commands.flags import add_flags, field_docs, from_flags
from valle.data.preparation import Preparation
from valle.training.stages import load_stage, stages


@pytest.mark.parametrize("stage", stages())
def test_every_option_of_a_stage_is_a_flag_with_help_and_default(
        stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = load_stage(stage).CONFIGS
    for kind in kinds:
        assert {f.name for f in dataclasses.fields(kind)} == set(field_docs(kind)), kind
    with pytest.raises(SystemExit) as stopped:
        run("train", [stage, "--help"], "valle train")
    shown = " ".join(capsys.readouterr().out.split())
    assert stopped.value.code == 0 and f"valle train {stage}" in shown
    for kind in kinds:
        for field in dataclasses.fields(kind):
            assert f"--{field.name.replace('_', '-')}" in shown
    assert "peak learning rate" in shown and "default" in shown


def test_every_option_of_prepare_is_a_flag_with_help_and_default(
        capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("prepare", ["--help"], "valle prepare")
    shown = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(Preparation):
        assert f"--{field.name.replace('_', '-')}" in shown
        assert field.default is None or f"default {field.default}" in shown


@pytest.mark.parametrize("given", ["--max-seconds=0", "--max-seconds=nan", "--workers=-1",
                                   "--workers=9999", "--max-broken=2", "--shard-size=0"])
def test_a_value_that_prepare_cannot_use_is_named(given: str, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prepare", [str(tmp_path), str(tmp_path / "out"), given], "valle prepare") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"valle prepare: {given.split('=')[0]} ") and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_flags_become_the_dataclass_again() -> None:
    @dataclasses.dataclass(frozen=True)
    class Some:
        """Some options.

        Attributes:
            where, other: folders, of which
                there are two.
            names: any number.
            share: of it, in %.
            on: or off.
            most: or none.
        """

        where: tuple[Path, ...]
        other: Path
        names: tuple[str, ...] = ()
        share: float = 0.5
        on: bool = True
        most: int | None = None

    parser = argparse.ArgumentParser()
    add_flags(parser, Some)
    given = parser.parse_args(["--where", "a", "b", "--other=c", "--no-on", "--most=3"])
    assert from_flags(given, Some) == Some((Path("a"), Path("b")), Path("c"), on=False, most=3)
    assert "folders, of which there are two" in parser.format_help().replace("\n" + " " * 24, " ")
    for wrong in (["--other=c"], ["--where", "a", "--other=c", "--most=x"]):
        with pytest.raises(SystemExit):
            parser.parse_args(wrong)


@pytest.mark.parametrize("given", [["aligner", "--size=tiny"], ["--stage=aligner", "--layout=x"],
                                   ["codec", "--phase", "softmax"], ["sing"], []])
def test_a_flag_of_another_stage_is_refused(given: list[str],
                                            capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("train", [*given, "--data=x", "--out=y", "--steps=1"], "valle train")
    assert stopped.value.code == 2
    shown = capsys.readouterr().err
    assert "unrecognized arguments" in shown or "choose from" in shown or "required" in shown
