"""The guide to what bridges do beyond words, followed to the letter: its example passes, with the printed table."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, get_args

from gearmesh import bridge
from gearmesh.model.capabilities import FEATURES, Level

PLUGINS: Final = Path(__file__).parents[2] / "plugins"
GUIDES: Final = (PLUGINS / "README.md", PLUGINS / "FEATURES.md")
BLOCK: Final = re.compile(r'^```\w+ title="(?P<path>[^"]+)"\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
TABLE: Final = re.compile(r"^```text\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def test_given_the_example_of_the_guide_when_its_contract_runs_then_it_passes_with_the_table_that_is_shown(
    tmp_path: Path,
) -> None:
    for guide in GUIDES:
        for block in BLOCK.finditer(guide.read_text(encoding="utf-8")):
            path = tmp_path / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "tests/test_rich_contract.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        | {"PYTHONPATH": str(tmp_path / "src")},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    shown = TABLE.search(GUIDES[1].read_text(encoding="utf-8"))
    assert shown is not None
    assert shown["text"] in done.stdout


def test_the_guide_names_every_feature_every_level_and_every_ability() -> None:
    prose = BLOCK.sub("", TABLE.sub("", GUIDES[1].read_text(encoding="utf-8")))
    named = set(re.findall(r"`(\w+)", prose))

    always_there = {"text", "notice", "vote"}
    abilities = {name for name in vars(bridge) if name.startswith("Supports")}
    assert named >= {*(set(FEATURES) - always_there), *get_args(Level), *abilities}
