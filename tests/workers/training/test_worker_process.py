"""What an RQ worker does to training: preload, fork, and now and then kill -9."""

import json
import subprocess
import sys
from pathlib import Path

from workers.training.spec import TrainingSample

from .conftest import Finished

# A worker imports everything, forks a child per job, and a child may be killed at any moment.
WORKER = """
import json, os, signal, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[3])
import workers.training.run as run
from training.doubles import ENOUGH_TO_LEARN, Recorder, make_spec
from workers.training.spec import TrainingSample

work_dir = Path(sys.argv[1])
samples = [TrainingSample(i, Path(p), s, l) for i, p, s, l in json.loads(Path(sys.argv[2]).read_text())]

class Dies(Recorder):
    def metric(self, name, step, epoch, value):
        if epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

def child(reporter, resume):
    result = run.train(make_spec(samples, work_dir, hyperparameters=ENOUGH_TO_LEARN, resume=resume), reporter)
    lines = [line for line in reporter.lines if "resum" in line]
    outcome = {"accuracy": result.metrics["accuracy"], "lines": lines, "onnxruntime": "onnxruntime" in sys.modules}
    Path(work_dir, "outcome.json").write_text(json.dumps(outcome))

for reporter, resume in ((Dies(), False), (Recorder(), True)):
    pid = os.fork()
    if pid == 0:
        child(reporter, resume)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def test_a_forked_child_trains_and_the_next_one_continues_after_kill_9(
    marks: list[TrainingSample], finished: Finished, work_dir: Path, tmp_path: Path
) -> None:
    listed = [(sample.sample_id, str(sample.path), sample.sha256, sample.label) for sample in marks]
    (tmp_path / "samples.json").write_text(json.dumps(listed))
    here = Path(__file__).resolve()
    paths = json.dumps([str(here.parents[3]), str(here.parents[1])])
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(work_dir), str(tmp_path / "samples.json"), paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.split() == ["-9", "0"], done.stderr
    outcome = json.loads((work_dir / "outcome.json").read_text())
    assert outcome["lines"] == ["resuming after epoch 2 of 4"]
    assert outcome["accuracy"] == finished.result.metrics["accuracy"]
    assert not outcome["onnxruntime"]
