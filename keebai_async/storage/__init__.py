"""SQLite files and their thread, a PostgreSQL database, processes and machine clocks: for journal and quota."""
