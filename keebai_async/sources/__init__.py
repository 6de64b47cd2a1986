"""Lists of people, from files and from programs, as blocks of rows."""

from keebai_async.sources.block import Block as Block
from keebai_async.sources.block import Cells as Cells
from keebai_async.sources.block import Columns as Columns
from keebai_async.sources.block import Lines as Lines
from keebai_async.sources.block import Objects as Objects
from keebai_async.sources.block import Source as Source
from keebai_async.sources.opening import People as People
from keebai_async.sources.opening import open_source as open_source
