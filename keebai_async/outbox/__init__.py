"""Single messages that are sent once (`once=`): a room of its own, on the journal and on transport."""
