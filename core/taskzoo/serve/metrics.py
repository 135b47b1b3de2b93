"""Counters for ``/metrics``, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """What a server counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("zoo_requests", "Requests answered.", ["endpoint", "status"], registry=self.registry)
        self._seconds = Histogram(
            "zoo_request_seconds",
            "From the request's headers to its answer.",
            ["endpoint"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._sizes = Histogram("zoo_batch_inputs", "Batch size.", ["model"], buckets=SIZES, registry=self.registry)
        self._batches = Histogram(
            "zoo_batch_seconds", "Prediction of a batch.", ["model"], buckets=SECONDS, registry=self.registry
        )
        self._queues = Gauge("zoo_queue_inputs", "Inputs that wait.", ["model"], registry=self.registry)

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def batches_of(self, model: str) -> Callable[[int, float], None]:
        """A function that counts a batch of this model: its inputs, and the seconds it took."""
        sizes, seconds = self._sizes.labels(model), self._batches.labels(model)

        def count(inputs: int, took: float) -> None:
            sizes.observe(inputs)
            seconds.observe(took)

        return count

    def watch_queue(self, model: str, length: Callable[[], int]) -> None:
        """Report the length of a model's queue."""
        self._queues.labels(model).set_function(lambda: float(length()))

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
