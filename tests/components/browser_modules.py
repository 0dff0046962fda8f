"""Runs our plain JavaScript modules in the Node that comes with the virtual environment."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COMPONENTS = ROOT / "components"


def run_js(script: str, *, given: Any = None) -> Any:
    """What ``script`` (an async function body with ``given`` and ``load(name)``) returns, through JSON."""
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    assert node, "there is no node: install the development requirements"
    program = f"""
        const given = {json.dumps(given)};
        const load = (name) => import({json.dumps(COMPONENTS.as_uri() + "/")} + name);
        const result = await (async () => {{ {script} }})();
        process.stdout.write(JSON.stringify(result ?? null));
    """
    done = subprocess.run(
        [node, "--no-warnings", "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
