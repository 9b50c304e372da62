"""A small network of its own: namespaces on a bridge, with real routing daemons in them. Needs root and iproute2."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

SUBNET4, SUBNET6 = "10.99.0.", "2001:db8:99::"
LONGEST_S = 40.0


class Lab:
    """Namespaces by name; everything that runs in them ends with the lab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prefix = f"dw{os.getpid()}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._spaces: list[str] = []
        self._space("hub")
        self._ip("-n", self._name("hub"), "link", "add", "br0", "type", "bridge")
        self._ip("-n", self._name("hub"), "link", "set", "br0", "up")

    def _name(self, space: str) -> str:
        return f"{self._prefix}-{space}"

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)

    def _space(self, space: str) -> None:
        self._ip("netns", "add", self._name(space))
        self._spaces.append(space)
        self._ip("-n", self._name(space), "link", "set", "lo", "up")

    def host(self, space: str, number: int) -> str:
        """A namespace with an address on the bridge; its IPv4 address."""
        self._space(space)
        port = f"v{number}"
        self._ip(
            "-n",
            self._name("hub"),
            "link",
            "add",
            port,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            self._name(space),
        )
        self._ip("-n", self._name("hub"), "link", "set", port, "master", "br0", "up")
        self._ip("-n", self._name(space), "addr", "add", f"{SUBNET4}{number}/24", "dev", "eth0")
        self._ip("-n", self._name(space), "addr", "add", f"{SUBNET6}{number}/64", "dev", "eth0", "nodad")
        self._ip("-n", self._name(space), "link", "set", "eth0", "up")
        return f"{SUBNET4}{number}"

    def start(self, space: str, command: Sequence[str | Path], output: str) -> subprocess.Popen[bytes]:
        """Run a program in a namespace; what it prints goes to ``output`` and ``output``.err of the folder."""
        with (self.folder / output).open("wb") as out, (self.folder / f"{output}.err").open("wb") as err:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self._name(space), *map(str, command)], stdout=out, stderr=err, cwd=self.folder
            )
        self._processes.append(process)
        return process

    def run(self, space: str, *command: str | Path) -> str:
        """Run a program in a namespace to its end; what it printed."""
        words = ["ip", "netns", "exec", self._name(space), *map(str, command)]
        return subprocess.run(words, check=True, capture_output=True, timeout=20, text=True).stdout

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        """Until something holds; fails, with the ends of all outputs, where it never does."""
        end = time.monotonic() + LONGEST_S
        while not holds():
            if time.monotonic() > end:
                tails = "\n".join(f"== {path.name}\n{path.read_bytes()[-6000:].decode(errors='replace')}"
                                  for path in sorted(self.folder.iterdir()) if path.is_file())  # fmt: skip
                pytest.fail(f"not in {LONGEST_S} s: {what}\n{tails}")
            time.sleep(0.1)

    def end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        for space in self._spaces:
            subprocess.run(["ip", "netns", "del", self._name(space)], capture_output=True, check=False, timeout=10)


@contextmanager
def lab(folder: Path, *programs: str) -> Iterator[Lab]:
    """The network, where this machine can have one and the programs are installed."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    for program in ("ip", *programs):
        if shutil.which(program) is None and not Path(program).exists():
            pytest.skip(f"{program} is not installed (tools/install-system-packages routers)")
    probe = subprocess.run(["ip", "netns", "add", f"dw{os.getpid()}-probe"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("network namespaces cannot be made here")
    subprocess.run(["ip", "netns", "del", f"dw{os.getpid()}-probe"], check=True)
    made = Lab(folder)
    try:
        yield made
    finally:
        made.end()
