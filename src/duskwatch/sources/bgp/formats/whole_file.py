"""Files that appear under their name only once they are whole."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write to, which takes the name ``path`` when the block ends, and is gone when it raises.

    It waits in a folder of its own beside the file, with whatever else is put there. A link is followed, and what is
    replaced keeps its permissions. Devices and pipes are given as they are: nothing can take their place. OSError names
    ``path`` where nothing can be written beside it.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()
    try:
        folder = Path(tempfile.mkdtemp(prefix=".duskwatch.", dir=target.parent))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        waiting = folder / "whole"
        yield waiting
        if target.exists():
            waiting.chmod(stat.S_IMODE(target.stat().st_mode))
        waiting.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
