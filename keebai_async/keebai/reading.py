"""Values out of replies; they are read the same way for every service."""

from keebai_async.transport.reading import Fields as Fields
from keebai_async.transport.reading import count as count
from keebai_async.transport.reading import fields_of as fields_of
from keebai_async.transport.reading import flag as flag
from keebai_async.transport.reading import items_of as items_of
from keebai_async.transport.reading import json_of as json_of
from keebai_async.transport.reading import text as text
from keebai_async.transport.reading import texts as texts
