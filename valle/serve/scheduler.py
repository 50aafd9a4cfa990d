"""One model, many requests: whose segment is spoken next, and what becomes of those who leave.

Two threads share the work. `_decode` runs the AR over segments of all requests side by side
(continuous batching, valle/synthesis/batch.py); `_sound` takes each one that is written through
NAR, codec and reranker, and hands it to its request. Requests take turns, a segment at a time, so
that a long text never holds up a short one. A segment sounds the same, to the last bit, whoever is
beside it.

A thread that dies is started again. What it had in hand is tried once more, each segment by
itself, so that the one at fault fails alone.
"""
from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from valle.serve.config import Limits
from valle.serve.ticket import Failed, Job, Overloaded, Stopping, Task, Ticket
from valle.synthesis.batch import Batch, room
from valle.synthesis.decode import Generated
from valle.synthesis.options import SamplingOptions
from valle.synthesis.pipeline import Delivery, Pipeline
from valle.synthesis.segment import Segment

log = logging.getLogger("valle.serve")

MOST_TRIES = 2
USUAL_ROOM = 4096  # tokens of a row: a prompt of eight seconds and a segment of 25 s
LONGEST_RETRY = 60  # seconds


class Scheduler:
    """Speaks the segments of many requests with one pipeline. Use it as a context manager."""

    def __init__(self, pipeline: Pipeline, sampling: SamplingOptions, limits: Limits) -> None:
        """sampling: how all of them are drawn."""
        self.pipeline, self.sampling, self.limits = pipeline, sampling, limits
        self.width = max(limits.width, sampling.best_of)
        self.changed = threading.Condition()
        self.tickets: set[Ticket] = set()
        self.turns: deque[Ticket] = deque()              # who may begin a segment
        self.jobs: deque[Job] = deque()                  # for the AR, before any new segment
        self.alone: deque[Task] = deque()                # to be tried once more, by itself
        self.written: deque[tuple[Job, Generated]] = deque()
        self.decoding: set[Job] = set()                  # in the hands of each thread
        self.sounding: set[Job] = set()
        self.stopping = self.stopped = False
        self.restarts, self.typical = 0, 1.0             # seconds that a request takes
        self.threads = [threading.Thread(target=self._work, args=work, daemon=True, name=name)
                        for name, *work in (("decode", self._decode, self.decoding),
                                            ("sound", self._sound, self.sounding))]

    def __enter__(self) -> Scheduler:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self.stopping = self.stopped = True
            left = list(self.tickets)
            self.changed.notify_all()
        for ticket in left:
            ticket.tell(Stopping("the server stops"))
        for thread in self.threads:
            thread.join()

    @property
    def alive(self) -> bool:
        return not self.stopping and all(thread.is_alive() for thread in self.threads)

    def enter(self) -> Ticket:
        """A place for one request, to be given up by leaving its `with`.

        Raises:
            Overloaded, Stopping: there is none.
        """
        with self.changed:
            if self.stopping:
                raise Stopping("the server stops; ask another one, or later")
            if len(self.tickets) >= self.limits.max_requests:
                raise Overloaded(max(1, min(LONGEST_RETRY, math.ceil(self.typical))))
            ticket = Ticket(self._leave, self._took, self.limits.patience)
            self.tickets.add(ticket)
        return ticket

    def speak(self, ticket: Ticket, segments: Sequence[Segment], delivery: Delivery) -> None:
        """Put segments behind those of the request; the ticket gives what becomes of them."""
        with self.changed:
            ticket.waiting.extend(segments)
            ticket.delivery = delivery
            self._line_up(ticket)

    def _leave(self, ticket: Ticket) -> None:
        with self.changed:
            if ticket in self.tickets:
                self.tickets.remove(ticket)
                self.typical += 0.2 * (time.monotonic() - ticket.entered - self.typical)
            ticket.over = True
            ticket.waiting.clear()
            self.changed.notify_all()

    def _took(self, ticket: Ticket) -> None:
        with self.changed:
            ticket.taken += 1
            self._line_up(ticket)

    def _line_up(self, ticket: Ticket) -> None:
        """Give a request its turn if it has something to say and is not too far ahead."""
        if (ticket.waiting and not (ticket.in_turn or ticket.over or ticket.decoding)
                and ticket.begun - ticket.taken < self.limits.ahead):
            ticket.in_turn = True
            self.turns.append(ticket)
            self.changed.notify_all()

    # --- the threads -----------------------------------------------------------------------------

    def _work(self, body: Callable[[], None], hands: set[Job]) -> None:
        """Run a thread's body again and again, whatever happens to it."""
        while not self.stopped:
            try:
                body()
            except Exception:
                log.exception("a worker died and is started again")
                with self.changed:
                    self.restarts += 1
                    for task in {job.task for job in hands}:
                        self._try_again(task)
                    hands.clear()

    def _try_again(self, task: Task) -> None:
        if task.over:
            return
        if task.tries + 1 >= MOST_TRIES:
            task.ticket.over = True
            task.ticket.tell(Failed("this text could not be spoken; the server's log says why"))
        else:
            self._set_apart(task, 1)

    def _set_apart(self, task: Task, tries: int = 0) -> None:
        """Draw a segment anew, by itself, once the AR has nothing else in hand."""
        task.forsaken = True
        self.alone.append(replace(task, tries=task.tries + tries, found=(), drawn={},
                                  forsaken=False, apart=True))
        self.changed.notify_all()

    def _decode(self) -> None:
        """The AR: who wants to joins, all write a token, who has ended goes on to `_sound`."""
        batch: Batch | None = None
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.stopped or self.decoding or self.jobs
                                      or self.alone or self.turns)
                if self.stopped:
                    return
                gone = {job for job in self.decoding if job.task.over}
                self.decoding -= gone
                joining = self._joining()
                self.decoding.update(joining)
            if gone and batch is not None:
                batch.drop(gone)
            if joining:
                batch = self._joined(batch, joining)
            if batch:
                self._pass_on(batch.step())

    def _joining(self) -> list[Job]:
        """What the AR takes in now: what is drawn anew, then a segment of whoever's turn it is."""
        if any(job.task.apart for job in self.decoding):
            return []
        if self.alone:
            return [] if self.decoding else self._wanted(self.alone.popleft())
        found: list[Job] = []
        while len(self.decoding) + len(found) < self.width:
            if self.jobs:
                job = self.jobs.popleft()
                found += [] if job.task.over else [job]
            elif self.turns:
                ticket = self.turns.popleft()
                ticket.in_turn = False
                if ticket.waiting and not ticket.over and ticket.delivery is not None:
                    task = Task(ticket, ticket.waiting.popleft(), ticket.delivery, ticket.begun)
                    ticket.begun, ticket.decoding = ticket.begun + 1, ticket.decoding + 1
                    self.jobs.extend(self._wanted(task))
            else:
                break
        return found

    def _wanted(self, task: Task) -> list[Job]:
        task.wanted = range(self.sampling.best_of)
        return [Job(task, number) for number in task.wanted]

    def _joined(self, batch: Batch | None, joining: list[Job]) -> Batch:
        """The batch with more rows; a roomier one where they need it, once the others have left."""
        ar = self.pipeline.ar
        requests = [(job, self.pipeline.request(job.task.segment, job.number, job.task.delivery))
                    for job in joining]
        rooms = {job: room(request, ar.config.layout, ar.ids) for job, request in requests}
        if batch is None or (not batch and max(rooms.values()) > batch.capacity):
            batch = Batch(ar, self.sampling, self.pipeline.decoder,
                          max(USUAL_ROOM, *rooms.values()), self.width)
        fits = [(job, request) for job, request in requests if rooms[job] <= batch.capacity]
        if fits:
            batch.join(fits)
        with self.changed:
            for job in joining:
                if rooms[job] > batch.capacity:
                    self.decoding.discard(job)
                    self._set_apart(job.task)
        return batch

    def _pass_on(self, ended: Sequence[tuple[Job, Generated]]) -> None:
        """Candidates that are written go to `_sound`; their requests may begin another segment."""
        if not ended:
            return
        with self.changed:
            for job, generated in ended:
                self.decoding.discard(job)
                self.written.append((job, generated))
            for task in {job.task for job, _ in ended}:
                if task.first and not any(job.task is task for job in (*self.decoding, *self.jobs)):
                    task.first = False
                    task.ticket.decoding -= 1
                    self._line_up(task.ticket)
            self.changed.notify_all()

    def _sound(self) -> None:
        """NAR, codec and reranker, one candidate after the other."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.stopped or self.written)
                if self.stopped:
                    return
                job, generated = self.written.popleft()
                task = job.task
                if task.over:
                    continue
                self.sounding.add(job)
            task.drawn[job.number] = self.pipeline.complete(task.segment, generated, task.delivery)
            if len(task.drawn) == len(task.wanted):
                self._judge(task)
            with self.changed:
                self.sounding.discard(job)

    def _judge(self, task: Task) -> None:
        """Once all that were asked for are there: draw another, or hand over the best."""
        new = [task.drawn[number] for number in task.wanted]
        task.found = self.pipeline.judged(task.segment, (*task.found, *new), task.delivery)
        task.drawn.clear()
        task.wanted = self.pipeline.wanted(task.segment, task.found, task.delivery)
        if task.wanted:
            with self.changed:
                self.jobs.extend(Job(task, number) for number in task.wanted)
                self.changed.notify_all()
            return
        spoken = self.pipeline.finish(task.segment, task.found, task.delivery)
        with self.changed:
            ticket = task.ticket
            ticket.finished[task.place] = spoken
            while ticket.given in ticket.finished:
                ticket.tell(ticket.finished.pop(ticket.given))
                ticket.given += 1
            self.changed.notify_all()
