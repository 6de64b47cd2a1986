"""The command, with the courier's entry beside Keebai's: the one line that a new service adds."""

import sys

from keebai_async.__main__ import main
from keebai_async.services import SERVICES, CarryingService
from tests.courier.client import Courier
from tests.courier.settings import COURIER, VARIABLES

SERVICES[COURIER] = CarryingService(client=Courier, variables=VARIABLES)

if __name__ == "__main__":
    sys.exit(main())
