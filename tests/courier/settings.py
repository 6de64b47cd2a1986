"""What is the courier's own: its name, its quota, its limits, its environment variables."""

from typing import Final

from keebai_async.environment import VariableNames
from keebai_async.quota.window import Quota

COURIER: Final = "courier"
LARGEST: Final = 40
QUOTAS: Final = (Quota(1_000, 1.0),)
VARIABLES: Final = VariableNames(
    tokens=("COURIER_KEY",),
    base_url="COURIER_URL",
    quota="COURIER_QUOTA",
    quota_store="COURIER_QUOTA_STORE",
    poll_floor="COURIER_POLL_FLOOR",
)
