"""The guide to rooms, followed to the letter: its example passes, with the lines that are shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from .test_feature_guide import BLOCK, PLUGINS, TABLE

GUIDES: Final = (PLUGINS / "README.md", PLUGINS / "ROOMS.md")


def test_given_the_example_of_the_guide_to_rooms_when_its_contract_runs_then_it_passes_with_the_lines_that_are_shown(
    tmp_path: Path,
) -> None:
    for guide in GUIDES:
        for block in BLOCK.finditer(guide.read_text(encoding="utf-8")):
            path = tmp_path / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "tests/test_roof_contract.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        | {"PYTHONPATH": str(tmp_path / "src")},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    shown = TABLE.findall(GUIDES[1].read_text(encoding="utf-8"))
    assert len(shown) == 2
    assert all(lines in done.stdout for lines in shown)
