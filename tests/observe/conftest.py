from collections.abc import Iterator

import pytest

from tests.observe.collected import Collected


@pytest.fixture
def collected() -> Iterator[Collected]:
    collected = Collected()
    yield collected
    collected.close()
