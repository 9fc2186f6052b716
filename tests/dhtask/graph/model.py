"""A model of an executor and of sequential Python, to hold the graph against.

Values are symbols: a ``Content`` is what sequential execution would have made, commutative contributions as a set. The
executor binds a run to the attempts that make its inputs, as Dask binds keys; it destroys whatever it was given for
itself, so that a wrong donation shows; and what it has to report may be delivered in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from dhtask._graph import TaskGraph
from dhtask._model.direction import Direction
from dhtask._model.events import (
    DataWanted,
    DatumPut,
    Event,
    GroupCancelled,
    TaskBlocked,
    TaskCalled,
    TaskFailed,
    TaskFinished,
)
from dhtask._model.instructions import (
    Abort,
    Announce,
    Cancel,
    Deliver,
    Instruction,
    OpenBarrier,
    Release,
    Run,
    Store,
    Submit,
    UseDefault,
)
from dhtask._model.invocation import Access, Invocation, Version


def digest(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Content:
    """What a version contains: where it came from, and the contributions of commutative tasks since."""

    root: str
    added: frozenset[str] = frozenset()

    @property
    def symbol(self) -> str:
        return digest(self.root, sorted(self.added))


GARBAGE = Content("changed in place")
NOTHING = Content("None")


def outputs_of(call: Invocation, contents: dict[int, Content]) -> dict[int, Content]:
    """What the body of a task makes of the contents of the data that it reads."""
    kinds = effective_directions(call)
    plain = [
        contents[d].symbol for d, kind in kinds.items() if kind in {Direction.IN, Direction.INOUT}
    ]
    made = {}
    for datum, kind in kinds.items():
        if kind in {Direction.OUT, Direction.INOUT}:
            made[datum] = Content(digest(call.task, datum, plain))
        elif kind is Direction.COMMUTATIVE:
            old = contents[datum]
            made[datum] = Content(old.root, old.added | {digest(call.task, plain)})
    return made


def effective_directions(call: Invocation) -> dict[int, Direction]:
    """One direction for each datum, when it is in several slots."""
    kinds: dict[int, Direction] = {}
    for datum, kind, _ in call.accesses:
        known = kinds.get(datum, kind)
        if (known is kind and kind is not Direction.COMMUTATIVE) or datum not in kinds:
            kinds[datum] = kind
        elif {known, kind} == {Direction.IN, Direction.CONCURRENT}:
            kinds[datum] = Direction.CONCURRENT
        else:
            kinds[datum] = Direction.INOUT
    return kinds


@dataclass
class Cell:
    content: Content
    producer: tuple[int, int] | None


@dataclass
class Pending:
    run: Run
    producers: list[tuple[int, int] | None]


@dataclass
class Seen:
    """What a run of a task found."""

    contents: dict[int, Content]
    #: Concurrent tasks that had run before.
    effects: frozenset[int]


@dataclass
class World:
    """A program, an executor and a graph between them."""

    graph: TaskGraph
    #: How many attempts of each task fail.
    failing: dict[int, int]
    calls: dict[int, Invocation] = field(default_factory=dict)
    store: dict[Version, Cell] = field(default_factory=dict)
    pending: dict[tuple[int, int], Pending] = field(default_factory=dict)
    outbox: list[Event] = field(default_factory=list)
    #: Who makes each version: the last attempt that was submitted to, if any was.
    maker: dict[Version, tuple[int, int] | None] = field(default_factory=dict)
    #: Attempts that failed or were blocked.
    broken: set[tuple[int, int] | None] = field(default_factory=set)
    ran: dict[int, int] = field(default_factory=dict)
    effects: set[int] = field(default_factory=set)
    seen: dict[int, list[Seen]] = field(default_factory=dict)
    outcomes: dict[int, Announce] = field(default_factory=dict)
    aborted: list[Abort] = field(default_factory=list)
    delivered: dict[int, tuple[Deliver, Content | None]] = field(default_factory=dict)
    barriers: set[int] = field(default_factory=set)
    released: set[Version] = field(default_factory=set)
    log: list[tuple[Event, list[Instruction]]] = field(default_factory=list)
    sends: list[int] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        if isinstance(event, TaskCalled):
            self.calls[event.invocation.task] = event.invocation
        instructions = self.graph.handle(event)
        self.log.append((event, instructions))
        for instruction in instructions:
            self.obey(instruction)
        self.graph.validate()

    def obey(self, instruction: Instruction) -> None:
        match instruction:
            case Submit(runs):
                for run in runs:
                    self.submit(run)
            case Cancel(task, attempt):
                self.pending.pop((task, attempt), None)
                for version in [v for v, c in self.store.items() if c.producer == (task, attempt)]:
                    del self.store[version]
            case Release(version):
                self.release(version)
            case Store(version):
                self.store[version] = Cell(Content(digest("put", version)), None)
                self.maker[version] = None
            case UseDefault():
                self.use_default(instruction)
            case Announce(task):
                assert task not in self.outcomes, "a task ended twice"
                self.outcomes[task] = instruction
            case Deliver(ticket, version, outcome, chain):
                assert ticket not in self.delivered
                assert bool(chain) == (outcome != "available")
                content = None if outcome == "lost" else self.store[version].content
                self.delivered[ticket] = (instruction, content)
            case OpenBarrier(ticket):
                assert ticket not in self.barriers
                self.barriers.add(ticket)
            case Abort():
                self.aborted.append(instruction)
                assert len(self.aborted) == 1

    def submit(self, run: Run) -> None:
        assert not self.aborted, "a failed run sends more"
        assert (run.task, run.attempt) not in self.pending
        producers: list[tuple[int, int] | None] = []
        for _, version, _ in run.reads:
            assert version not in self.released
            producers.append(self.maker[version])
        key = (run.task, run.attempt)
        for write in run.writes:
            self.maker[write.version] = key
        if self.broken.isdisjoint(producers):
            self.pending[key] = Pending(run, producers)
        else:
            self.broken.add(key)
            self.outbox.append(TaskBlocked(*key))
        self.sends.append(run.task)

    def release(self, version: Version) -> None:
        assert version not in self.released, "released twice"
        for other in self.pending.values():
            assert all(read.version != version for read in other.run.reads), "still needed"
        del self.store[version]
        self.released.add(version)

    def use_default(self, default: UseDefault) -> None:
        if default.source is None:
            content = NOTHING
        else:
            content = self.store[default.source].content
            assert content is not GARBAGE, "the content before was changed in place"
        self.store[default.version] = Cell(content, None)
        self.maker[default.version] = None

    def runnable(self) -> list[tuple[int, int]]:
        return [
            key
            for key, pending in self.pending.items()
            if all(
                read.version in self.store and self.store[read.version].producer == producer
                for read, producer in zip(pending.run.reads, pending.producers, strict=True)
            )
        ]

    def execute(self, key: tuple[int, int]) -> None:
        """Run one attempt to its end, and queue what there is to report."""
        run = self.pending.pop(key).run
        call = self.calls[run.task]
        contents = {read.version.datum: self.store[read.version].content for read in run.reads}
        assert GARBAGE not in contents.values(), "a version was changed under a reader"
        self.seen.setdefault(run.task, []).append(Seen(contents, frozenset(self.effects)))
        for read in run.reads:
            if read.exclusive:
                self.store[read.version].content = GARBAGE
        self.ran[run.task] = self.ran.get(run.task, 0) + 1
        if self.ran[run.task] <= self.failing.get(run.task, 0):
            self.outbox.append(TaskFailed(*key, error=f"task {run.task}"))
            self.block_after(key)
            return
        if Direction.CONCURRENT in effective_directions(call).values():
            self.effects.add(run.task)
        made = outputs_of(call, contents)
        for write in run.writes:
            self.store[write.version] = Cell(made[write.version.datum], key)
        self.outbox.append(TaskFinished(*key))

    def block_after(self, key: tuple[int, int]) -> None:
        self.broken.add(key)
        for other in [k for k, pending in self.pending.items() if key in pending.producers]:
            if other in self.pending:
                del self.pending[other]
                self.outbox.append(TaskBlocked(*other))
                self.block_after(other)

    def report(self, index: int) -> None:
        self.tell(self.outbox.pop(index))

    def finish_all(self, choose: Chooser) -> None:
        while True:
            keys = self.runnable()
            moves = len(keys) + len(self.outbox)
            if not moves:
                return
            move = choose(moves)
            if move < len(keys):
                self.execute(keys[move])
            else:
                self.report(move - len(keys))


class Chooser:
    """Takes choices from a tape; zero when it has run out."""

    def __init__(self, tape: list[int]) -> None:
        self.tape = iter(tape)

    def __call__(self, count: int) -> int:
        return next(self.tape, 0) % count


@dataclass
class Datum:
    """What sequential Python knows of a datum."""

    content: Content | None
    cancelled: bool = False
    row: Direction | None = None
    row_cancelled: bool = False
    row_content: Content | None = None
    effects: frozenset[int] = frozenset()
    row_effects: frozenset[int] = frozenset()

    def close(self) -> None:
        if self.row is not None:
            self.cancelled = self.cancelled or self.row_cancelled
            self.effects |= self.row_effects
        self.row, self.row_cancelled, self.row_effects = None, False, frozenset()


@dataclass
class Oracle:
    """Runs the program of a world once more, sequentially, and compares."""

    world: World
    data: dict[int, Datum] = field(default_factory=dict)
    #: Tasks that were unfinished in a group when that was cancelled.
    exposed: set[int] = field(default_factory=set)

    def check(self) -> None:
        self.find_exposed()
        for event, _ in self.world.log:
            match event:
                case DatumPut(datum):
                    number = self.number_of_put(event)
                    self.data[datum] = Datum(Content(digest("put", Version(datum, number))))
                case TaskCalled(invocation):
                    self.call(invocation)
                case DataWanted(ticket, datum):
                    self.want(ticket, datum)
                case _:
                    pass

    def number_of_put(self, event: Event) -> int:
        stored = [i for e, out in self.world.log if e is event for i in out if isinstance(i, Store)]
        return stored[0].version.number

    def find_exposed(self) -> None:
        open_tasks: dict[int, Invocation] = {}
        for event, instructions in self.world.log:
            if isinstance(event, TaskCalled):
                open_tasks[event.invocation.task] = event.invocation
            if isinstance(event, GroupCancelled):
                self.exposed |= {t for t, i in open_tasks.items() if event.group in i.groups}
            for instruction in instructions:
                if isinstance(instruction, Announce):
                    open_tasks.pop(instruction.task, None)

    def want(self, ticket: int, datum: int) -> None:
        self.data[datum].close()
        if ticket not in self.world.delivered:
            assert self.world.aborted, "the program waits for ever"
            return
        deliver, content = self.world.delivered[ticket]
        known = self.data[datum]
        if self.world.aborted and (deliver.outcome == "lost" or known.content is None):
            return
        assert deliver.outcome == ("cancelled" if known.cancelled else "available")
        assert content == known.content

    def call(self, call: Invocation) -> None:
        kinds = effective_directions(call)
        for datum, kind in kinds.items():
            known = self.data.setdefault(datum, Datum(None))
            if known.row is not None and known.row is not kind:
                known.close()
            if kind in {Direction.COMMUTATIVE, Direction.CONCURRENT}:
                known.row = kind
        reads = {d: k for d, k in kinds.items() if k is not Direction.OUT}
        outcome = self.world.outcomes[call.task].outcome
        if any(self.data[d].cancelled for d in reads):
            assert outcome == "cancelled" or self.world.aborted
        elif outcome == "cancelled":
            assert call.task in self.exposed or self.world.aborted
        else:
            self.check_reads(call, reads)
            assert self.world.aborted or outcome == self.expected_outcome(call)
        self.write(call, kinds, outcome)

    def expected_outcome(self, call: Invocation) -> str:
        failing = self.world.failing.get(call.task, 0)
        policy = call.failure
        if policy.kind == "RETRY":
            kind: str = policy.then if failing >= policy.attempts else "FINISH"
        else:
            kind = policy.kind if failing else "FINISH"
        return {"FINISH": "finished", "IGNORE": "ignored"}.get(kind, "failed")

    def check_reads(self, call: Invocation, reads: dict[int, Direction]) -> None:
        for seen in self.world.seen[call.task]:
            for datum, kind in reads.items():
                known = self.data[datum]
                assert known.content is not None, "a task ran on a lost version"
                found = seen.contents[datum]
                if kind is Direction.COMMUTATIVE:
                    assert found.root == known.content.root, "another row"
                else:
                    assert found == known.content, f"{call} read {found}, not {known.content}"
                assert known.effects <= seen.effects, "did not wait for concurrent tasks"

    def write(self, call: Invocation, kinds: dict[int, Direction], outcome: str) -> None:
        made: dict[int, Content] = {}
        if outcome == "finished":
            made = outputs_of(call, {d: k.content for d, k in self.data.items() if k.content})
        lost = self.world.aborted and outcome in {"failed", "cancelled"}
        cancels = outcome in {"failed", "cancelled"}
        for datum, kind in kinds.items():
            known = self.data[datum]
            if kind is Direction.IN:
                continue
            if kind in {Direction.COMMUTATIVE, Direction.CONCURRENT}:
                known.row_cancelled = known.row_cancelled or cancels
                if kind is Direction.CONCURRENT and outcome == "finished":
                    known.row_effects |= {call.task}
                if kind is Direction.COMMUTATIVE and outcome == "finished":
                    known.content = made[datum]
                continue
            if outcome == "finished":
                content: Content | None = made[datum]
            elif lost:
                content = None
            else:
                content = NOTHING if kind is Direction.OUT else known.content
            self.data[datum] = Datum(content, cancelled=cancels)


def access(datum: int, direction: Direction, slot: str = "") -> Access:
    return Access(datum, direction, slot or f"p{datum}")
