"""Several at once, or one alone."""

import threading
import time

from workers.turns import Turns

WAIT_S = 30


def test_so_many_work_at_once_and_no_more() -> None:
    """A third waits until one of two has ended."""
    turns = Turns(2)
    third = threading.Event()

    def come() -> None:
        with turns.turn(alone=False):
            third.set()

    with turns.turn(alone=False):
        with turns.turn(alone=False):
            thread = threading.Thread(target=come)
            thread.start()
            assert not third.wait(0.05)
        assert third.wait(WAIT_S)
    thread.join(WAIT_S)


def test_one_that_asks_is_alone() -> None:
    """Nobody works beside it, and it gets its turn though others keep coming."""
    turns = Turns(2)
    working: list[bool] = []
    beside: list[list[bool]] = []
    lock = threading.Lock()

    def work(alone: bool) -> None:
        with turns.turn(alone=alone):
            with lock:
                working.append(alone)
                beside.append(list(working))
            time.sleep(0.002)
            with lock:
                working.remove(alone)

    threads = [threading.Thread(target=work, args=(number % 5 == 0,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(beside) == 40
    assert all(len(seen) <= 2 for seen in beside)
    assert all(seen == [True] for seen in beside if True in seen)
