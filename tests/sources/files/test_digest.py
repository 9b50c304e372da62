"""The digest of another thread is that of hashlib, whatever pieces it is fed."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from duskwatch.sources.files import digest
from duskwatch.sources.files.digest import ThreadedSha256


@given(st.lists(st.binary(max_size=5000), max_size=30))
def test_the_digest_is_that_of_the_bytes_in_their_order(pieces):
    with ThreadPoolExecutor(1) as worker:
        made = ThreadedSha256(worker)
        for piece in pieces:
            made.update(piece)
        assert made.hexdigest() == hashlib.sha256(b"".join(pieces)).hexdigest()
        made.update(b"more")
        assert made.hexdigest() == hashlib.sha256(b"".join(pieces) + b"more").hexdigest()


def test_no_more_than_a_few_pieces_wait():
    go = threading.Event()
    with ThreadPoolExecutor(1) as worker:
        worker.submit(go.wait)
        made = ThreadedSha256(worker)
        fed = []

        def feed():
            for k in range(digest.WAITING + 5):
                made.update(bytes([k]))
                fed.append(k)

        feeder = threading.Thread(target=feed)
        feeder.start()
        feeder.join(0.2)
        assert len(fed) == digest.WAITING
        go.set()
        feeder.join()
        assert made.hexdigest() == hashlib.sha256(bytes(range(digest.WAITING + 5))).hexdigest()
