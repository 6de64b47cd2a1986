"""Lists of people, from files and from programs, as blocks of rows.

`opening.py` says which reader takes a list: one module for each format (`delimited.py` is CSV). `block.py`
has the kinds of block that they give. A new format is its reader and a line in `opening.py`; what becomes of
the rows is for `planning/` to say, by the kind of their block.
"""

from keebai_async.sources.block import Block as Block
from keebai_async.sources.block import CellBlock as CellBlock
from keebai_async.sources.block import ColumnBlock as ColumnBlock
from keebai_async.sources.block import LineBlock as LineBlock
from keebai_async.sources.block import ObjectBlock as ObjectBlock
from keebai_async.sources.block import Source as Source
from keebai_async.sources.opening import PeopleLike as PeopleLike
from keebai_async.sources.opening import open_source as open_source
