"""What Orbax, and TensorStore below it, say and raise, in this library's terms."""

import contextlib
import logging
import os
import re
import traceback
from collections.abc import Iterator

USUAL = ("CheckpointManagerOptions.read_only", "Given directory is read only", "Metadata file does not exist")
"""What Orbax warns of where a folder is only read, as it should be."""
RAISED, LEFT = "_SignalingThread.run() raised an exception", "exception was never retrieved"
"""How it tells of an error that it also raises, and asyncio of those of the other files of the same save."""


def _is_news(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    where = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return not (text.startswith(USUAL) or RAISED in text or LEFT in text and "orbax" in text + where)


for _name in ("absl", "asyncio"):
    logging.getLogger(_name).addFilter(_is_news)
AWAY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "UNAUTHENTICATED")
"""What TensorStore's words begin with where a bucket did not answer as it should: no damage."""


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Raises OSError for the ValueError as which TensorStore reports a disk or bucket that does not do its work."""
    try:
        yield
    except ValueError as error:
        text = str(error)
        if code := re.search(r"os_error_code='(\d+)'", text):
            raise OSError(int(code[1]), os.strerror(int(code[1]))) from error
        raise OSError(f"a checkpoint cannot be written: {' '.join(text.split())[:200]}") from error
