"""Files and iterables of people, as blocks of rows."""
