"""A thread that runs ahead: order, errors, and its end."""

import threading
import time

import pytest

from duskwatch.sources.bgp.transports.prefetch import prefetch


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.mark.parametrize("depth", [1, 4, 100])
def test_items_keep_their_order(depth):
    assert list(prefetch(iter(range(1000)), depth)) == list(range(1000))
    assert running() == []


def test_nothing_gives_nothing():
    assert list(prefetch([])) == []


def test_an_exception_comes_behind_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise KeyError("three")

    user = prefetch(items())
    assert [next(user), next(user)] == [1, 2]
    with pytest.raises(KeyError, match="three"):
        next(user)
    assert running() == []


def test_exceptions_among_the_items_are_items():
    error = ValueError("an item")
    assert list(prefetch([error, None])) == [error, None]


def test_the_thread_stops_when_its_user_does():
    made = []

    def items():
        for number in range(10**9):
            made.append(number)
            yield number

    user = prefetch(items(), 3)
    assert next(user) == 0
    user.close()
    assert running() == []
    count = len(made)
    time.sleep(0.05)
    assert len(made) == count <= 6


@pytest.mark.parametrize("taken", [1, 5])
def test_a_generator_is_closed_with_its_thread(taken):
    closed = []

    def items():
        try:
            yield from range(5)
        finally:
            closed.append(threading.current_thread().name)

    user = prefetch(items(), 2)
    assert [next(user) for _ in range(taken)] == list(range(taken))
    user.close()
    assert closed == ["prefetch"]


def test_no_more_is_made_ahead_than_asked_for():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    user = prefetch(items(), 4)
    assert next(user) == 0
    time.sleep(0.2)
    # One was taken, four wait, one is held by the thread.
    assert 5 <= len(made) <= 6
    user.close()


def test_items_are_made_in_a_thread_of_their_own():
    assert next(prefetch(threading.get_ident() for _ in range(1))) != threading.get_ident()
