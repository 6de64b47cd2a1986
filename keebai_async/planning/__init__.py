"""From a list of people to a frozen plan: read, check, dedupe, cut.

The way of a row, from its list to the body that is sent:

    sources/              a file or a program's list, as blocks of about 450 rows
    plan.py               takes block after block, from the first row to the frozen plan
    reader.py             one block, fast, if all of it is certainly fine
    closer_look.py        any other block: exact where that is needed, fast for the rest
    rows_table.py         what a row of CSV, Parquet or Excel is; rows_jsonl.py and rows_objects.py for
                          the others; rows.py says what each of them has to answer
    number_forms.py       which numbers look like a phone for certain, by the table number_lengths.py, which
                          make_number_lengths.py writes
    check_row.py          one row, exactly: by phone.py (its number), text_checks.py (its texts),
                          template.py (what the template asks for)
    admission.py          who is let in: by identity.py (who is the same person), dedupe.py (who is in
                          already), suppress.py (who must not be messaged)
    rejections.py         the rows that are not sent, and why
    codec.py, chunking.py people as JSON, cut into chunks, with the fingerprint of the plan; column_json.py
                          for those of a table
"""
