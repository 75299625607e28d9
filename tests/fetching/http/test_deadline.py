"""Deadlines cut connections that wait too long, all of them from one thread."""

import multiprocessing
import socket
import threading

import pytest

from mediapipe.failures import TooSlow
from mediapipe.fetching.http.deadline import Deadline, watch
from mediapipe.fetching.http.errors import network_failures

SOON_S, LATE_S = 0.5, 30.0


def is_cut() -> bool:
    """Wait for data that never comes, in a short and a long deadline; return whether it was cut."""
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(LATE_S), Deadline(SOON_S):
        ours.settimeout(LATE_S / 3)
        watch(ours)
        return ours.recv(1) == b""


def test_the_socket_is_shut_down_when_its_deadline_expires() -> None:
    assert is_cut()


def test_an_expired_deadline_without_a_socket_is_a_failure_that_names_the_host() -> None:
    ours, theirs = socket.socketpair()
    named = pytest.raises(TooSlow, match=r"media[.]example: TimeoutError$")
    with ours, theirs, named, Deadline(0) as deadline, network_failures("media.example", deadline):
        watch(ours)


def test_an_earlier_deadline_does_not_wait_for_a_later_one() -> None:
    with Deadline(LATE_S):
        assert is_cut()


def test_many_deadlines_share_one_thread() -> None:
    with Deadline(LATE_S), Deadline(LATE_S), Deadline(LATE_S):
        assert [thread.name for thread in threading.enumerate()].count("deadlines") == 1


def test_a_forked_process_enforces_its_own_deadlines() -> None:
    assert is_cut()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(is_cut).get(timeout=LATE_S)
