"""Key rotations to be killed: each line on standard input begins one more, in a process of its own.

`python -m tests.campaigns.rotator [PLACES]` answers with the process's number, "written" after each of its commits,
and "ended" with its status. With a file for its places it is the control: a rotation that notes how far it is before
the work is done.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from shelter import create_app
from shelter.services import field_keys

field_keys.WRITING = 0.0005  # a commit for every few values: a kill may come between any two


def keep_places(file: Path) -> None:
    """Whatever was begun counts as done."""
    batches = field_keys.batches

    def ahead(table: Table, *where: Any) -> Iterator[Sequence[Any]]:
        places = json.loads(file.read_text()) if file.exists() else {}
        after = (table.c.id > UUID(places[table.name]),) if table.name in places else ()
        for rows in batches(table, *where, *after):
            places[table.name] = rows[-1]["id"].hex
            fresh = file.with_suffix(".fresh")
            fresh.write_text(json.dumps(places))
            fresh.replace(file)  # whole or not at all: it is not this that is to go wrong
            yield rows

    field_keys.batches = ahead


def say(*words: object) -> None:
    """A line at once: where output is not buffered, `print` makes several writes of it, and a kill comes in between."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def main() -> None:
    if len(sys.argv) > 1:
        keep_places(Path(sys.argv[1]))
    app = create_app()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            with app.app_context():
                field_keys.rotate(lambda _: say("written"))
            os._exit(0)
        say("begun", pid)
        say("ended", os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
