"""Celery's consumer, back within two seconds of a broker's return."""

from typing import Any

from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

_LONGEST_PAUSE_S = 2.0


class QuickConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Celery's own waits two seconds longer after each failure, up to half a minute."""

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however often it takes, unless the worker is told to stop."""

        def log_failure(error: BaseException, pause_s: float) -> None:
            self.app.log.get_default_logger("winnow.worker").warning(
                "The broker cannot be reached (%s): next attempt in %.1f s.", error, pause_s
            )

        conn.ensure_connection(
            log_failure,
            self.app.conf.broker_connection_max_retries,
            interval_start=0.2,
            interval_step=0.2,
            interval_max=_LONGEST_PAUSE_S,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return conn
