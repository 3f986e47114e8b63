from bakery.delivery.steadiness import Crashed, Steadiness
from bakery.model.names import ProcessName
from bakery.model.processes import Instance
from bakery.nodes.units import UnitState

WORKER = Instance(ProcessName("worker"), 1)
RUNS = UnitState(is_running=True)


def seen(steadiness: Steadiness, at: float, *, restarts: int = 0, is_running: bool = True) -> bool | Crashed:
    last_exit = "" if is_running else "ended with status 1"
    return steadiness.look({WORKER: UnitState(is_running, restarts=restarts, last_exit=last_exit)}, at)


def test_a_program_that_runs_for_a_while_stays() -> None:
    steadiness = Steadiness(3)
    assert [seen(steadiness, at) for at in (10.0, 12.9, 13.0)] == [False, False, True]


def test_an_end_begins_the_while_anew() -> None:
    steadiness = Steadiness(3)
    seen(steadiness, 10)
    assert not seen(steadiness, 12, is_running=False)
    assert [seen(steadiness, at, restarts=1) for at in (12.5, 15.0, 15.5)] == [False, False, True]


def test_three_ends_are_a_failure_that_says_how_the_last_one_went() -> None:
    steadiness = Steadiness(3)
    seen(steadiness, 10)
    seen(steadiness, 11, restarts=2, is_running=False)
    assert seen(steadiness, 12, restarts=3) == Crashed(WORKER, 3, "ended with status 1")


def test_ends_before_the_first_look_were_another_start() -> None:
    steadiness = Steadiness(3)
    assert not seen(steadiness, 10, restarts=7)
    assert seen(steadiness, 13, restarts=7) is True


def test_all_of_them_have_to_stay() -> None:
    steadiness, mail = Steadiness(3), Instance(ProcessName("mail"), 1)
    for at in (8, 10):
        steadiness.look({WORKER: RUNS, mail: UnitState(is_running=False)}, at)
    assert steadiness.look({WORKER: RUNS, mail: RUNS}, 12) is False
    assert steadiness.unsteady({WORKER: RUNS, mail: RUNS}, 12) == mail
