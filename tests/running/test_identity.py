# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A trial that something else has made is not taken for one's own."""

import json
import os
import pathlib

import pytest

from jaxperf import errors
from jaxperf.records import claims, files
from jaxperf.records import identity as recorded
from jaxperf.running import build, entries, identity, launch, sources
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import run as run_lib
from tests import command

SUBMISSION = """
import jaxperf, optax
import helpers
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.sgd(hps.learning_rate),
  tuning=jaxperf.SelfTuning(learning_rate={rate}),
)
"""
TRIAL = 'mine/study_0/mini_clicks_jax/trial_1'


class Recording:
  """A launcher whose trials train nothing, but say what made them."""

  def __init__(self, results: pathlib.Path):
    self.results, self.tasks, self.running = results, [], []
    self.detached = False

  @property
  def waiting(self):
    return len(self.tasks)

  def start(self, tasks):
    self.tasks += tasks

  def ended(self):
    done, self.tasks = self.tasks, []
    for task in done:
      config = folder_lib.read_config(self.results)
      job = folder_lib.read_job(self.results, task.command[-1])
      entry = entries.entry(job.spec, config.ruleset)
      trial = build.make_trial(
        config, job, entry, build.problem(config, job.workload)
      )
      recorded.note(task.folder, trial.identity)
      files.write_json(task.folder / 'result.json', RESULT)
    return [launch.Ended(task, 0) for task in done]

  def stop(self):
    pass


RESULT = {'outcome': 'budget', 'message': None, 'submission_time': 1.0}


@pytest.fixture
def place(tmp_path, monkeypatch):
  """A folder with a submission of two files, and results of it."""
  (tmp_path / 'helpers.py').write_text('import numpy\n')
  (tmp_path / 'mine.py').write_text(SUBMISSION.format(rate=0.1))
  results = tmp_path / 'results'
  monkeypatch.setattr(launch, 'make', lambda config: Recording(results))
  assert run(tmp_path) == 0
  return tmp_path


def run(place, rerun=False, **values):
  values = {
    'submissions': (str(place / 'mine.py'),),
    'workloads': ('mini_clicks',),
    'studies': 1,
  } | values
  config = config_lib.make_config(values)
  return run_lib.run(config, place / 'results', rerun=rerun)


def contents(folder):
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in folder.rglob('*')
    if path.is_file()
  }


def refused(place, **values):
  """The sentence with which a run is refused; nothing is written then."""
  before = contents(place / 'results')
  with pytest.raises(errors.UserError) as caught:
    run(place, **values)
  assert contents(place / 'results') == before
  assert '\n' not in str(caught.value)
  return str(caught.value)


def test_what_has_not_changed_is_done_already(place, capsys):
  before = contents(place / 'results')
  assert run(place) == 0
  assert '1 done already' in capsys.readouterr().out
  assert contents(place / 'results') == before


def test_another_file_is_refused_with_two_ways_out(place):
  (place / 'mine.py').write_text(SUBMISSION.format(rate=0.1) + '# other\n')
  sentence = refused(place)
  assert f'{TRIAL} holds results of something else: mine.py changed' in sentence
  assert '--workdir' in sentence
  assert '--changed=rerun' in sentence


def test_another_module_beside_it_is_refused(place):
  (place / 'helpers.py').write_text('import scipy\n')
  assert 'helpers.py changed' in refused(place)


def test_another_point_is_refused(place):
  path = place / 'results' / TRIAL / 'identity.json'
  content = json.loads(path.read_text())
  content[0]['point']['learning_rate'] = 0.2
  path.write_text(json.dumps(content))
  assert 'learning_rate is 0.1, it was 0.2' in refused(place)


def test_other_rules_are_refused(place):
  path = place / 'results' / TRIAL / 'identity.json'
  content = json.loads(path.read_text())
  budget = content[0]['settings']['budget']
  content[0]['settings']['budget'] = 7
  path.write_text(json.dumps(content))
  assert f'budget is {budget}, it was 7' in refused(place)


def test_a_trial_is_not_gone_on_with_either(place):
  (place / 'results' / TRIAL / 'result.json').unlink()
  (place / 'helpers.py').write_text('import scipy\n')
  done = _trial(place)
  assert done.returncode == 2
  assert 'helpers.py changed' in done.stderr


def _trial(place):
  return command.jaxperf('trial', place / 'results', TRIAL)


def test_trials_begin_anew_and_what_they_held_is_kept(place):
  trial = place / 'results' / TRIAL
  for number in (1, 2):
    before = {
      name: content
      for name, content in contents(trial).items()
      if not name.startswith('replaced_') and name != 'lock'
    }
    with (place / 'mine.py').open('a') as file:
      file.write(f'# {number}\n')
    assert run(place, rerun=True) == 0
    assert contents(trial / f'replaced_{number}') == before
    digest = json.loads((trial / 'identity.json').read_text())[0]['submission']
    assert (
      digest['mine.py'] == entries.entry(str(place / 'mine.py'), 'self').digest
    )


def test_an_interrupted_setting_aside_goes_on_to_the_same_place(place):
  trial = place / 'results' / TRIAL
  before = contents(trial)
  (trial / 'replaced_1').mkdir()
  (trial / 'result.json').rename(trial / 'replaced_1' / 'result.json')
  with (place / 'mine.py').open('a') as file:
    file.write('# other\n')
  assert run(place, rerun=True) == 0
  assert contents(trial / 'replaced_1') == before
  assert not (trial / 'replaced_2').exists()


def test_a_trial_that_runs_is_not_set_aside(place):
  lock = claims.Claim(place / 'results' / TRIAL)
  (place / 'helpers.py').write_text('import scipy\n')
  assert 'is being run by process' in refused(place, rerun=True)
  lock.release()


def test_trials_are_set_aside_together_or_not_at_all(tmp_path):
  folders = [tmp_path / 'one', tmp_path / 'two']
  for folder in folders:
    recorded.note(folder, {'point': {'lr': 1}})
    (folder / 'result.json').write_text('{}')
  lock = claims.Claim(folders[1])
  now = {folder: {'point': {'lr': 2}} for folder in folders}
  with pytest.raises(claims.TakenError):
    identity.settle(now, anew=lambda folder: True)
  assert all((folder / 'result.json').exists() for folder in folders)
  lock.release()
  identity.settle(now, anew=lambda folder: True)
  assert all((f / 'replaced_1/result.json').exists() for f in folders)


def test_trials_of_earlier_versions_recorded_nothing_to_compare(place):
  (place / 'results' / TRIAL / 'identity.json').unlink()
  (place / 'helpers.py').write_text('import scipy\n')
  assert run(place) == 0


def test_a_damaged_identity_is_named(place):
  path = place / 'results' / TRIAL / 'identity.json'
  for content in ('[{"point"', '{"point": 3}', '[3]', '"text"'):
    path.write_text(content)
    assert f'{path} is damaged' in refused(place)


def test_other_versions_are_noted_when_a_trial_goes_on(tmp_path):
  one = {'packages': {'jax': '1'}, 'point': {'b': (1, 2)}}
  for entry in (one, one, one | {'packages': {'jax': '2'}}):
    recorded.note(tmp_path, entry)
  found = recorded.read(tmp_path)
  assert [entry['packages']['jax'] for entry in found] == ['1', '2']
  assert not recorded.changes(found[0], one)


def test_a_trial_records_versions_numerics_and_machine(place):
  (entry,) = recorded.read(place / 'results' / TRIAL)
  assert set(entry) == {*recorded.DECISIVE, *recorded.SURROUNDINGS}
  assert set(entry['submission']) == {'mine.py', 'helpers.py'}
  assert entry['numerics']['jax_enable_x64'] is False
  assert entry['packages']['optax']
  assert entry['machine']['platform'] == 'cpu'
  assert entry['settings']['workload'] == 'mini_clicks'


def test_files_of_a_package_are_those_that_it_imports(tmp_path):
  texts = {
    'mine.py': 'import one.two\nfrom one import three\nimport os, jaxperf\n',
    'one/__init__.py': 'from . import four\n',
    'one/two.py': 'def f():\n  from one.sub.five import x\n',
    'one/three.py': '',
    'one/four.py': 'from .sub import *\n',
    'one/sub/__init__.py': '',
    'one/sub/five.py': 'x = 1\n',
    'one/unused.py': '',
    'other.py': '',
    'jaxperf/__init__.py': '',
  }
  for name, text in texts.items():
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)

  class Module:
    __file__ = str(tmp_path / 'mine.py')
    __package__ = ''

  found = sources.files(Module)
  assert next(iter(found)) == 'mine.py'
  assert set(found) == set(texts) - {
    *('one/unused.py', 'other.py', 'jaxperf/__init__.py')
  }


def test_a_baseline_is_its_file_and_the_parts_that_it_imports():
  found = entries.entry('baselines.nadamw', 'self').files
  assert next(iter(found)) == 'baselines/nadamw.py'
  assert 'baselines/parts/schedules.py' in found
  assert 'baselines/muon.py' not in found


def test_trials_of_another_run_are_waited_for(place, capsys, monkeypatch):
  trial = place / 'results' / TRIAL
  (trial / 'result.json').unlink()
  lock = claims.Claim(trial)
  seen = []

  class Watching(Recording):
    def ended(self):
      seen.append(list(self.tasks))
      if len(seen) == 3:  # The other one ends.
        files.write_json(trial / 'result.json', RESULT)
        lock.release()
      return super().ended()

  monkeypatch.setattr(launch, 'make', lambda c: Watching(place / 'results'))
  assert run(place) == 0
  assert seen == [[], [], []]
  printed = capsys.readouterr().out
  assert f'{TRIAL}: is being run by process ' in printed
  assert '1 trials: 1 budget' in printed


def test_what_another_run_gives_up_is_run(place, monkeypatch):
  trial = place / 'results' / TRIAL
  (trial / 'result.json').unlink()
  lock, rounds = claims.Claim(trial), []

  class Watching(Recording):
    def ended(self):
      rounds.append(len(self.tasks))
      if len(rounds) == 2:
        lock.release()
      return super().ended()

  monkeypatch.setattr(launch, 'make', lambda c: Watching(place / 'results'))
  assert run(place) == 0
  assert rounds == [0, 0, 1]
  assert (trial / 'result.json').exists()


def test_a_trial_that_somebody_took_just_before_is_waited_for(
  place, capsys, monkeypatch
):
  trial = place / 'results' / TRIAL
  (trial / 'result.json').unlink()

  class Late(Recording):
    def ended(self):
      if self.tasks:
        self.other = claims.Claim(trial)
        done, self.tasks = self.tasks, []
        return [launch.Ended(task, launch.TAKEN) for task in done]
      files.write_json(trial / 'result.json', RESULT)
      self.other.release()
      return []

  monkeypatch.setattr(launch, 'make', lambda c: Late(place / 'results'))
  assert run(place) == 0
  assert 'waiting for it' in capsys.readouterr().out


def test_a_taken_trial_exits_with_its_own_status(place):
  trial = place / 'results' / TRIAL
  (trial / 'result.json').unlink()
  lock = claims.Claim(trial)
  before = contents(trial)
  done = _trial(place)
  assert done.returncode == launch.TAKEN == 76
  assert f'is being run by process {os.getpid()} on ' in done.stderr
  assert contents(trial) == before
  lock.release()
