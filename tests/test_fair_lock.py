"""The model's lock goes to whoever waits longest."""

import threading
import time

import pytest

from raven_core.fair_lock import FairLock


def waiting(lock: FairLock, name: str, order: list[str]) -> threading.Thread:
    """A thread that waits for the lock by the time this returns."""
    before = len(lock._waiting)

    def work() -> None:
        with lock:
            order.append(name)

    thread = threading.Thread(target=work)
    thread.start()
    while len(lock._waiting) == before:
        time.sleep(0.001)
    return thread


def test_it_is_passed_on_in_the_order_of_asking_and_not_taken_back_at_once():
    lock, order = FairLock(), []
    with lock:
        threads = [waiting(lock, "second", order), waiting(lock, "third", order)]
    with lock:  # whoever has just let go of it stands behind the others
        order.append("first again")
    for thread in threads:
        thread.join(10)
    assert order == ["second", "third", "first again"]


def test_it_is_free_again_after_an_error():
    lock = FairLock()
    with pytest.raises(ValueError, match="broken"), lock:
        raise ValueError("broken")
    with lock:
        assert not lock._waiting
