"""SQLite files, their thread, processes and the clock of the machine: for journal and quota."""
