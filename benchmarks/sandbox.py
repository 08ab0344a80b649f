"""The sandbox's process, seen from the one that measures."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.process import environment


class Sandbox:
    """A context manager: inside it the organization of benchmarks.serve answers."""

    def __init__(self, users: int, page_sizes: Sequence[int], latency_ms: float, folder: Path) -> None:
        arguments = ["--users", str(users), "--latency-ms", str(latency_ms), "--page-sizes", *map(str, page_sizes)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serve", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment(folder),
        )

    def __enter__(self) -> Self:
        try:
            self._ready = self._hear()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def access(self, door: str, *, everything: bool) -> Mapping[str, str]:
        """The environment of a process that uses a door, to read everything or only who has which access."""
        return {
            "ACCESSSYNC_SKIP": "" if everything else ",".join(self._ready["beyond_people"]),
            "ACCESSSYNC_API_URL": self._ready["urls"][door],
            "DD_API_KEY": self._ready["api_key"],
            "DD_APP_KEY": self._ready["app_key"],
        }

    def asked(self, door: str) -> list[str]:
        """The path and query of each request that came through a door since this was last asked."""
        assert self._process.stdin is not None
        self._process.stdin.write(door + "\n")
        self._process.stdin.flush()
        asked: list[str] = self._hear()["asked"]
        return asked

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sandbox ended")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def _end(self) -> None:
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
