"""A request's place in the scheduler: its segments, how far they are, and who waits for them."""
from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from valle.synthesis.candidate import Candidate
from valle.synthesis.join import SpokenSegment
from valle.synthesis.pipeline import Delivery
from valle.synthesis.segment import Segment


class Overloaded(Exception):
    """There is no room for another request; seconds: when to come again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the server has as many requests as it takes: try again in {seconds} s")
        self.seconds = seconds


class Stopping(Exception):
    """The server finishes what it has and takes nothing more."""


class Failed(Exception):
    """A segment could not be spoken, for a reason that is not the client's."""


class Late(Exception):
    """The next segment did not come in time."""


class Cancelled(Exception):
    """The client has left."""


class Ticket:
    """A request between entering the scheduler and leaving it; `with` makes sure that it leaves.

    What changes while it is under way belongs to the scheduler and its lock, but for `results`,
    which belongs to the event loop of the request.

    Attributes:
        waiting: segments that are not begun, in order.
        begun, taken: how many were begun, and how many the client has taken.
        decoding: segments of it that are with the AR.
        over: nobody waits for it any more.
    """

    def __init__(self, leave: Callable[[Ticket], None], took: Callable[[Ticket], None],
                 patience: float) -> None:
        """patience: seconds that a segment may take, waiting for its turn included."""
        self.loop = asyncio.get_running_loop()
        self.results: asyncio.Queue[SpokenSegment | Exception] = asyncio.Queue()
        self.waiting: deque[Segment] = deque()
        self.delivery: Delivery | None = None
        self.begun = self.taken = self.decoding = self.given = 0
        self.finished: dict[int, SpokenSegment] = {}
        self.in_turn = self.over = False
        self.entered = time.monotonic()
        self._leave, self._took, self._patience = leave, took, patience

    def __enter__(self) -> Ticket:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(self)

    def cancel(self) -> None:
        """The client has left: nothing more is computed, and who waits is told."""
        self._leave(self)
        self.results.put_nowait(Cancelled())

    async def spoken(self, count: int) -> AsyncIterator[SpokenSegment]:
        """The next `count` segments, in order, each as soon as it is finished.

        Raises:
            Failed, Late, Cancelled: there will be no more.
        """
        for _ in range(count):
            try:
                item = await asyncio.wait_for(self.results.get(), self._patience)
            except asyncio.TimeoutError:
                self._leave(self)
                raise Late(f"no speech within {self._patience:g} s: the server has too much to do; "
                           "try again later") from None
            if isinstance(item, Exception):
                self._leave(self)
                raise item
            self._took(self)
            yield item

    def tell(self, item: SpokenSegment | Exception) -> None:
        """Hand something to who waits, from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.results.put_nowait, item)


@dataclass(eq=False)
class Task:
    """A segment under way.

    Attributes:
        place: of the segment in its request.
        found: candidates that are judged; drawn: those that are not, by their number.
        wanted: numbers of the candidates that are being drawn.
        first: the AR writes its first candidates; the next segment waits for that.
        apart: it must be alone with the AR.
        forsaken: another task has taken its place.
    """

    ticket: Ticket
    segment: Segment
    delivery: Delivery
    place: int
    tries: int = 0
    found: tuple[Candidate, ...] = ()
    drawn: dict[int, Candidate] = field(default_factory=dict)
    wanted: range = range(0)
    first: bool = True
    apart: bool = False
    forsaken: bool = False

    @property
    def over(self) -> bool:
        return self.forsaken or self.ticket.over


@dataclass(frozen=True)
class Job:
    """One candidate of a segment, on its way."""

    task: Task
    number: int
