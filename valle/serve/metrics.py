"""What the server counts, for Prometheus (`/metrics`)."""
from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from valle.serve.scheduler import Scheduler

SECONDS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
FACTORS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)


class Metrics:
    """Counters of one server; several in a process do not meet."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("valle_requests", "Requests, by path and status",
                                ["path", "status"], registry=self.registry)
        self.first_audio = Histogram("valle_first_audio_seconds", "Until the first samples",
                                     buckets=SECONDS, registry=self.registry)
        self.rtf = Histogram("valle_real_time_factor", "Seconds of work for a second of speech",
                             buckets=FACTORS, registry=self.registry)
        self.spoken = Counter("valle_speech_seconds", "Seconds of speech made",
                              registry=self.registry)
        self.underruns = Counter("valle_underruns", "Streams that came later than they are heard",
                                 registry=self.registry)
        self.failures = Counter("valle_failures", "Requests that ended without all of their speech",
                                ["reason"], registry=self.registry)
        for name, text, value in (
                ("valle_requests_in_hand", "Requests taken on", lambda: len(scheduler.tickets)),
                ("valle_queue", "Requests that wait for their turn", lambda: len(scheduler.turns)),
                ("valle_decoding", "Segments with the AR", lambda: len(scheduler.decoding)),
                ("valle_worker_restarts", "Workers that died", lambda: scheduler.restarts)):
            Gauge(name, text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Heard:
    """One stream as its listener has it: when it began, and whether it was ever behind."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics, self.asked = metrics, time.monotonic()
        self.began: float | None = None
        self.seconds, self.late = 0.0, False

    def piece(self, seconds: float) -> None:
        """So many seconds of speech are ready now."""
        now = time.monotonic()
        if self.began is None:
            self.began = now
            self.metrics.first_audio.observe(now - self.asked)
        elif now - self.began > self.seconds and not self.late:
            self.late = True
            self.metrics.underruns.inc()
        self.seconds += seconds
        self.metrics.spoken.inc(seconds)

    def end(self) -> None:
        if self.seconds:
            self.metrics.rtf.observe((time.monotonic() - self.asked) / self.seconds)
