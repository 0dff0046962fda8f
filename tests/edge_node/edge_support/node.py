"""The real edge node as a process of its own, with the interpreter that has onnxruntime."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[3]


class Node:
    """`trainyard-edge` in `folder`. Every wait is on a condition: a line of its log, its end, a call."""

    def __init__(self, python: Path, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.python = python
        self.folder = folder
        self.environment = environment or {}
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []
        self.said = threading.Condition()

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [str(self.python), "-m", "edge_node", *arguments, "--data", str(self.folder)],
            cwd=PROJECT, env=self._environment(more), capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def enrol(self, url: str, token: str) -> subprocess.CompletedProcess[str]:
        return self.command("enrol", "--cloud", url, TRAINYARD_EDGE_TOKEN=token)

    def start(self, **more: str) -> "Node":
        self.lines = []
        self.process = subprocess.Popen(
            [str(self.python), "-m", "edge_node", "run", "--data", str(self.folder), "--port", "0"],
            cwd=PROJECT, env=self._environment(more), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        self.wait_for_line("listens on")
        self.http = httpx.Client(base_url=self.url, timeout=10.0, trust_env=False)  # the socket listens already
        return self

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TRAINYARD_")}
        quick = {"TRAINYARD_EDGE_RETRY_SECONDS": "0.05", "TRAINYARD_EDGE_RETRY_LIMIT_SECONDS": "0.1", "NO_PROXY": "*"}
        return {**clean, **quick, "TRAINYARD_EDGE_REQUEST_TIMEOUT_SECONDS": "5", **self.environment, **more}

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as stream:
            for line in stream:
                with self.said:
                    self.lines.append(line.rstrip())
                    self.said.notify_all()
        with self.said:
            self.lines.append("<end of log>")
            self.said.notify_all()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def url(self) -> str:
        runtime = json.loads((self.folder / "runtime.json").read_bytes())
        return f"http://{runtime['host']}:{runtime['port']}"

    def wait_for_line(self, text: str, seconds: float = 40.0) -> str:
        def found() -> str | None:
            ended = bool(self.lines) and self.lines[-1] == "<end of log>"
            return next((line for line in self.lines if text in line), "<ended>" if ended else None)

        with self.said:
            line = self.said.wait_for(found, seconds)
        assert line not in (None, "<ended>"), f"{text!r} was not said:\n" + "\n".join(self.lines)
        return line

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(15)
        self.http.close()
        self._reader.join(15)
        self.process = None
        return code

    def infer(self, image: bytes, ai_module: str = "meter_digits") -> dict[str, Any]:
        answer = self.http.post(f"/v1/modules/{ai_module}/infer", content=image, headers={"Content-Type": "image/png"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self) -> dict[str, Any]:
        return self.http.get("/v1/status").raise_for_status().json()

    def version(self, ai_module: str = "meter_digits") -> str | None:
        return next((item["version"] for item in self.status()["loaded"] if item["ai_module"] == ai_module), None)
