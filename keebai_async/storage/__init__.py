"""SQLite files, PostgreSQL databases, a thread for both, processes, machine clocks: for journal and quota."""
