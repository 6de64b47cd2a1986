"""A second service that carries campaigns: a room of its own, and one entry in `keebai_async/services.py`.

It differs from Keebai wherever a service can: its key's header, its sender, its body, the size of its chunks,
the names of its counters. The engine, the journal, planning and the command know nothing of it.
"""
