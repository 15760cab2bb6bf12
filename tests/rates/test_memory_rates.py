"""Rate limits in one process."""

import pytest

from services.embedded.rates import MemoryRates
from tests.rates.conformance import RateLimiterConformance


class TestMemoryRates(RateLimiterConformance):
    """The port's rules."""

    @pytest.fixture
    def limiter(self) -> MemoryRates:
        """A new one."""
        return MemoryRates()
