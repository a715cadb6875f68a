"""Where a process lives, and whether it does: told of real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from gearmesh.bus.whereabouts import Process

PROGRAM = """
import sys, msgspec
from gearmesh.bus.whereabouts import Process
print(msgspec.json.encode(Process.this()).decode(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another process, which says where it lives and then waits for its end."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def whereabouts(process: subprocess.Popen[str]) -> Process:
    """What it says of itself."""
    assert process.stdout
    return msgspec.json.decode(process.stdout.readline(), type=Process)


def test_given_a_process_that_lives_then_it_is_not_dead(other: subprocess.Popen[str]) -> None:
    there = whereabouts(other)
    assert there.pid == other.pid
    assert not there.is_dead()
    assert not Process.this().is_dead()


def test_given_a_process_that_is_killed_then_it_is_dead_also_before_anybody_has_collected_it(
    other: subprocess.Popen[str],
) -> None:
    there = whereabouts(other)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert there.is_dead(), "what is left of it is its id"
    other.wait()
    assert there.is_dead(), "nothing is left of it"


def test_given_an_id_that_another_process_has_now_then_whoever_had_it_is_dead() -> None:
    assert msgspec.structs.replace(Process.this(), born="1").is_dead()


@pytest.mark.parametrize("place", ["another machine", ""], ids=["elsewhere", "nobody knows where"])
def test_given_a_process_of_which_this_machine_knows_nothing_then_it_is_not_taken_to_be_dead(
    place: str, other: subprocess.Popen[str]
) -> None:
    there = msgspec.structs.replace(whereabouts(other), place=place)
    other.kill()
    other.wait()
    assert not there.is_dead()
