# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What `jaxperf run` does before and around the trials."""

import errno
import pathlib
import subprocess
import sys
import textwrap

import pytest

from jaxperf.cli import surroundings
from jaxperf.records import files, layout
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import launch
from jaxperf.running import run as run_lib

SUBMISSION = """
import pathlib
import jaxperf, optax
with pathlib.Path({count!r}).open('a') as file:
  file.write('executed\\n')
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.sgd(hps.learning_rate),
  tuning=jaxperf.SelfTuning(learning_rate=0.1),
)
"""


class Refusing:
  """A launcher that starts nothing: every task has ended, with success."""

  def __init__(self):
    self.tasks, self.running, self.detached = [], [], False

  @property
  def waiting(self):
    return len(self.tasks)

  def start(self, tasks):
    self.tasks = list(tasks)
    self.seen = list(tasks)

  def ended(self):
    done, self.tasks = self.tasks, []
    return [launch.Ended(task, 0) for task in done]

  def stop(self):
    self.stopped = True


@pytest.fixture
def launcher(monkeypatch):
  """Stands for all launchers."""
  made = Refusing()
  monkeypatch.setattr(launch, 'make', lambda config: made)
  return made


def _config(path, **values):
  return config_lib.make_config(
    {
      'submissions': (str(path),),
      'workloads': ('mini_clicks', 'mini_molecules'),
      'studies': 2,
    }
    | values
  )


def test_a_submission_is_executed_once_before_the_first_trial(
  tmp_path, launcher
):
  count = tmp_path / 'count'
  path = tmp_path / 'mine.py'
  path.write_text(SUBMISSION.format(count=str(count)))
  # Nothing was run, so every trial counts as failed.
  assert run_lib.run(_config(path), tmp_path / 'results', False) == 1
  assert len(launcher.seen) == 2 * 2
  assert count.read_text().count('executed') == 1


def test_the_plan_holds_what_the_folder_held_before(tmp_path, launcher):
  for name in ('one', 'two'):
    path = tmp_path / f'{name}.py'
    path.write_text(SUBMISSION.format(count=str(tmp_path / 'count')))
    run_lib.run(_config(path), tmp_path / 'results', False)
    folders = [task.folder for task in launcher.seen]
    assert len(folders) == 4
    assert all(folder.parts[-4] == name for folder in folders)
  jobs = folder_lib.read_jobs(tmp_path / 'results')
  assert [job.spec for job in jobs].count(str(path)) == 4
  assert len(jobs) == 8


def test_nothing_is_written_before_all_is_known_to_be_right(tmp_path, launcher):
  path = tmp_path / 'mine.py'
  path.write_text('submission = 1')
  with pytest.raises(Exception, match='has no submission named'):
    run_lib.run(_config(path), tmp_path / 'results', False)
  assert not (tmp_path / 'results').exists()


def test_failed_outcomes_are_two():
  failed = [outcome for outcome in layout.Outcome if outcome.failed]
  assert failed == ['out_of_memory', 'error']


_ISOLATED = """
from jaxperf.running import environment, isolated
print(isolated.call(environment.git_revision, {'folder': '.'}))
"""


def test_files_in_the_current_folder_hide_no_module_of_a_child(tmp_path):
  for name in ('queue.py', 'workloads.py'):
    (tmp_path / name).write_text('raise RuntimeError("hidden")')
  done = subprocess.run(
    [sys.executable, '-P', '-c', textwrap.dedent(_ISOLATED)],
    cwd=tmp_path,
    capture_output=True,
    text=True,
  )
  assert done.stdout == '(None, None)\n', done.stderr


@pytest.mark.parametrize('name', ['workloads', 'baselines', 'experiments'])
def test_a_package_that_hides_ours_is_named(tmp_path, name):
  (tmp_path / name).mkdir()
  (tmp_path / name / '__init__.py').write_text('')
  code = (
    'from jaxperf.running import plugins\n'
    'from jaxperf import errors\n'
    'try:\n'
    f'  plugins.{_ASKS[name]}\n'
    'except errors.UserError as error:\n'
    '  print(error)\n'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True
  )
  hiding = tmp_path / name / '__init__.py'
  assert done.stdout.startswith(f'{hiding} hides the package {name!r}')


_ASKS = {
  'workloads': 'workload_names()',
  'baselines': 'baseline_names()',
  'experiments': 'experiment_names()',
}


def _submission(tmp_path):
  path = tmp_path / 'mine.py'
  path.write_text(SUBMISSION.format(count=str(tmp_path / 'count')))
  return path


def test_a_kill_for_want_of_memory_is_recorded(
  tmp_path, launcher, monkeypatch, capsys
):
  def ended():
    done, launcher.tasks = launcher.tasks, []
    return [launch.Ended(task, -9, True) for task in done]

  monkeypatch.setattr(launcher, 'ended', ended)
  config = _config(_submission(tmp_path), studies=1)
  assert run_lib.run(config, tmp_path / 'results', False) == 1
  printed = capsys.readouterr().out
  assert '2 trials: 2 out_of_memory' in printed
  assert 'the host is out of memory' in printed
  assert '--retry' in printed


def test_what_left_no_result_needs_no_retry(tmp_path, launcher, capsys):
  config = _config(_submission(tmp_path), studies=1)
  assert run_lib.run(config, tmp_path / 'my results', False) == 1
  printed = capsys.readouterr().out
  assert '2 did not end: the same command goes on with them' in printed
  assert '--retry' not in printed
  assert 'ended with status 0 and left no result, as after os._exit' in printed
  assert f"jaxperf score '{tmp_path}/my results'" in printed


def test_a_full_disk_is_told_with_the_file_that_it_kept(tmp_path, monkeypatch):
  def full(self, *_, **__):
    raise OSError(errno.ENOSPC, 'No space left on device')

  monkeypatch.setattr(pathlib.Path, 'write_text', full)
  with pytest.raises(OSError, match='No space') as caught:
    files.write_json(tmp_path / 'a.json', {})
  assert caught.value.filename == str(tmp_path / 'a.json')
  sentence = surroundings.sentence(caught.value)
  assert 'free some space, and start again' in sentence
  assert list(tmp_path.iterdir()) == []
