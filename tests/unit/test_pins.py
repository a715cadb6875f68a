"""Versions are named once more for those who use uv: both say the same, and nothing says where packages come from."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==(?P<version>[\w.+!-]+)")
LOCK_FILES: Final = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"}
SOURCES: Final = re.compile(
    r"^\s*(?:--?(?:index-url|extra-index-url|find-links|trusted-host|i|f)\b"
    r"|(?:index|index-url|extra-index-url|default-index|find-links)\s*=|\[\[tool\.uv\.index\]\])",
    re.MULTILINE,
)
HOSTS: Final = re.compile(r"://[^\s\"']*(?:pypi|pythonhosted|/simple\b)")


def pins(lines: list[str]) -> dict[str, str]:
    """Versions by name. A line that pins nothing is a mistake."""
    found: dict[str, str] = {}
    for line in lines:
        if not line.strip() or line.startswith(("#", "-r ")):
            continue
        match = PIN.fullmatch(line.split("#")[0].strip())
        assert match, f"no exact version: {line!r}"
        assert match["name"] not in found, f"named twice: {match['name']}"
        found[match["name"]] = match["version"]
    return found


def required() -> dict[str, str]:
    """What requirements.txt and requirements-dev.txt name together."""
    run, develop = ((ROOT / name).read_text().splitlines() for name in ("requirements.txt", "requirements-dev.txt"))
    assert "-r requirements.txt" in develop
    return pins([*run, *develop])


def tracked() -> list[Path]:
    """The files of this checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing is tracked")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_given_the_requirements_when_compared_with_what_uv_is_told_then_every_version_is_the_same() -> None:
    assert pins(PROJECT["tool"]["uv"]["constraint-dependencies"]) == required()


def test_given_an_exact_version_anywhere_in_a_project_file_when_compared_then_it_is_the_required_one() -> None:
    everything = required()
    for file in (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")):
        for match in PIN.finditer(file.read_text()):
            assert everything.get(match["name"]) == match["version"], f"{file}: {match.group()}"


def test_given_every_dependency_of_ours_when_looked_up_then_it_is_pinned() -> None:
    everything = {re.sub(r"[-_.]+", "-", name).lower() for name in required()}
    for file in (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(file.read_text())
        wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
        for group in project["project"].get("optional-dependencies", {}).values():
            wanted.extend(group)
        for group in project.get("dependency-groups", {}).values():
            wanted.extend(group)
        names = {re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower() for requirement in wanted}
        assert names - everything <= {"gearmesh", "gearmesh-irc", "gearmesh-meta", "gearmesh-xmpp"}, file


def test_given_the_tracked_files_when_looked_through_then_no_lock_file_is_among_them() -> None:
    assert LOCK_FILES.isdisjoint(file.name for file in tracked())


def test_given_the_tracked_requirements_and_toml_files_then_none_says_where_packages_come_from() -> None:
    files = [file for file in tracked() if file.suffix == ".toml" or file.name.startswith("requirements")]
    assert ROOT / "requirements.txt" in files
    for file in files:
        text = file.read_text()
        found = SOURCES.search(text) or HOSTS.search(text)
        assert found is None, f"{file}: {found.group() if found else ''}"
        if file.suffix == ".txt":
            assert "://" not in text, file
