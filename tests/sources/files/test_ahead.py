"""Several files unpacked ahead: order, errors, files left early, and the end of every thread."""

import threading
import time

import pytest

from duskwatch.sources.files.ahead import read_ahead


def running():
    return [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


@pytest.fixture(autouse=True)
def no_thread_left():
    yield
    assert running() == []


def counted(number, closed):
    """A generator that tells when it is closed."""
    try:
        for item in range(10):
            yield number * 100 + item
    finally:
        closed.append(number)


@pytest.mark.parametrize(("threads", "ahead", "depth"), [(1, 1, 1), (1, 3, 2), (3, 2, 1), (4, 50, 100)])
def test_items_and_sources_keep_their_order(threads, ahead, depth):
    closed = []
    sources = [counted(number, closed) for number in range(12)]
    read = [list(items) for items in read_ahead(sources, threads=threads, ahead=ahead, depth=depth)]
    assert read == [[number * 100 + item for item in range(10)] for number in range(12)]
    assert sorted(closed) == list(range(12))


def test_no_source_gives_nothing():
    assert list(read_ahead([])) == []


def test_an_error_is_raised_where_its_source_is_read_and_the_next_source_is_whole():
    def broken():
        yield 1
        raise OSError("broken")

    sources = read_ahead([[7], broken(), [8]], threads=2, ahead=3)
    assert list(next(sources)) == [7]
    second = next(sources)
    assert next(second) == 1
    with pytest.raises(OSError, match="broken"):
        next(second)
    assert list(next(sources)) == [8]
    assert next(sources, None) is None


def test_a_source_left_early_is_closed_and_holds_up_no_other():
    closed = []
    sources = read_ahead([counted(number, closed) for number in range(3)], threads=1, ahead=3, depth=1)
    assert next(next(sources)) == 0
    assert next(next(sources)) == 100
    assert closed[:1] == [0]
    assert len(list(next(sources))) == 10
    sources.close()


def test_all_that_was_begun_is_closed_with_the_outer_iterator():
    made = []

    def endless():
        while True:
            made.append(1)
            yield b"x"

    sources = read_ahead((endless() for _ in range(5)), threads=2, ahead=3, depth=2)
    next(next(sources))
    sources.close()
    count = len(made)
    time.sleep(0.05)
    assert len(made) == count
    assert running() == []


def test_no_more_sources_are_begun_than_asked_for():
    begun = []

    def source(number):
        begun.append(number)
        yield number

    sources = read_ahead((source(number) for number in range(9)), threads=9, ahead=2)
    first = next(sources)
    assert list(first) == [0]
    time.sleep(0.05)
    assert len(begun) <= 2
    sources.close()


def test_items_are_made_elsewhere():
    sources = read_ahead([(threading.get_ident() for _ in range(1))])
    assert list(next(sources)) != [threading.get_ident()]
    sources.close()
