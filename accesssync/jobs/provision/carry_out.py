"""Carry out what is planned: phase by phase, several subjects at once, each subject's actions in their order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event, Lock

from msgspec import Struct
from msgspec.structs import replace

from accesssync.jobs.provision.result import Became, Result
from accesssync.jobs.provision.write import Means, Writer
from accesssync.model.operation import Operation
from accesssync.provision.decide import PRIVILEGED
from accesssync.provision.plan import Action
from accesssync.store.intents import IntentState, Step

BREAKER = 3
"""So many failures in a row stop an organization: whatever is wrong is wrong for the next one, too."""


class Task(Struct, frozen=True):
    """One action with the key of its intent. `result` is set where it is settled already."""

    action: Action
    key: int
    result: Result | None = None


@dataclass
class Carried:
    """What was carried out so far; complete also where it ended early."""

    tasks: Mapping[int, Task]
    results: dict[int, Result] = field(default_factory=dict)
    extra: list[Result] = field(default_factory=list)

    def all(self) -> list[Result]:
        """A result for every action, in their order."""
        found = [self.results.get(key) or _left(task) for key, task in self.tasks.items()]
        return sorted([*found, *self.extra], key=lambda one: (one.number, one.outcome is Became.NOT_ATTEMPTED))


class Carrier:
    """Carries out the tasks of one organization."""

    def __init__(self, means: Means, tasks: Iterable[Task], *, width: int, on_done: Callable[[int, int], None]) -> None:
        self._means = means
        self.carried = Carried({task.key: task for task in tasks})
        self.carried.results.update({key: task.result for key, task in self.carried.tasks.items() if task.result})
        self._width = width
        self._on_done = on_done
        self._stop = Event()
        self._lock = Lock()
        self._in_a_row = 0
        self._denied: set[Operation] = set()
        self._chains: dict[str, list[Task]] = {}
        for task in self.carried.tasks.values():
            self._chains.setdefault(task.action.chain, []).append(task)

    def run(self) -> Carried:
        """Do everything that can be done. What a database refuses, or a signal, stops it and is raised afterwards."""
        tasks = self.carried.tasks.values()
        for phase in sorted({task.action.phase for task in tasks}):
            chains: dict[str, list[Task]] = {}
            for task in tasks:
                if task.action.phase == phase:
                    chains.setdefault(task.action.chain, []).append(task)
            self._phase(list(chains.values()), 1 if phase == PRIVILEGED else self._width)
        return self.carried

    def _phase(self, chains: Sequence[Sequence[Task]], width: int) -> None:
        executor = ThreadPoolExecutor(width, thread_name_prefix="write")
        futures: list[Future[None]] = []
        try:
            futures = [executor.submit(self._chain, chain) for chain in chains]
            wait(futures)
        except BaseException:
            # A signal. What is under way ends and is kept; nothing new begins.
            self._stop.set()
            executor.shutdown(wait=True, cancel_futures=True)
            raise
        executor.shutdown(wait=True)
        for future in futures:
            future.result()

    def _chain(self, chain: Sequence[Task]) -> None:
        made = self._made(chain[0].action.chain)
        writer = Writer(self._means, made)
        try:
            for task in chain:
                if task.key in self.carried.results:
                    continue
                held = self._held_back(task.action)
                if held is not None:
                    self._settle(task, held)
                    continue
                self._settle(task, writer.do(task.action, task.key))
        except BaseException:
            # No intent, no write: where the database fails, nobody goes on.
            self._stop.set()
            raise
        finally:
            with self._lock:
                self.carried.extra += writer.extra
            writer.close()

    def _made(self, chain: str) -> str | None:
        """The id of the subject, where an earlier phase or an earlier attempt made it."""
        known = (self.carried.results.get(task.key) for task in self._chains[chain])
        return next((result.subject_id for result in known if result is not None and result.subject_id), None)

    def _held_back(self, action: Action) -> Result | None:
        """Why an action may not even be tried: what has to come before it did not come."""
        if self._stop.is_set():
            return _left_of(action, f"stopped after {BREAKER} failures in a row" if self._broken() else "stopped")
        if action.operation in self._denied:
            return _left_of(action, f"the key may not {action.operation}, as it turned out before")
        earlier = self.carried.tasks.values() if action.phase == PRIVILEGED else self._chains[action.chain]
        for task in earlier:
            result = self.carried.results.get(task.key)
            if result is None or task.action.number >= action.number:
                continue
            same = task.action.chain == action.chain
            if _stands(result) or (not same and result.operation is Operation.SEND_INVITATION):
                continue
            why = "an earlier step for it" if same else "something that has to come first"
            detail = f"{why} was not done: {result.operation} {result.subject}"
            return replace(_left_of(action, detail), refused=result.refused)
        return None

    def _settle(self, task: Task, result: Result) -> None:
        with self._lock:
            self.carried.results[task.key] = result
            if result.denied:
                self._denied.add(task.action.operation)
            if result.outcome is Became.SUCCEEDED:
                self._in_a_row = 0
            elif result.outcome is Became.FAILED:
                self._in_a_row += 1
            if self._broken() or result.status == 401:
                self._stop.set()
            done = sum(one.outcome is not Became.NOT_ATTEMPTED for one in self.carried.results.values())
        self._on_done(done, len(self.carried.tasks))

    def _broken(self) -> bool:
        return self._in_a_row >= BREAKER


def recovered(means: Means, task: Task, sends: int, subject_id: str | None) -> Task:
    """The task of an intent that may have been sent: with its result where that can be told, else to be done again."""
    writer = Writer(means, subject_id)
    try:
        result = writer.recover(task.action, task.key, sends)
    finally:
        writer.close()
    if result is None:
        means.note(Step(key=task.key, state=IntentState.PLANNED))
    return replace(task, result=result)


def _stands(result: Result) -> bool:
    """Whether what comes after may rely on it."""
    return result.outcome is Became.SUCCEEDED or (result.outcome is Became.SKIPPED and not result.refused)


def _left(task: Task) -> Result:
    return _left_of(task.action, "not tried")


def _left_of(action: Action, detail: str) -> Result:
    return Result(
        number=action.number,
        operation=action.operation,
        subject=action.subject,
        outcome=Became.NOT_ATTEMPTED,
        detail=detail,
        subject_id=action.subject_id,
    )
