# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import pathlib

import pytest

from jaxperf import errors
from jaxperf.records import status
from jaxperf.running import config as config_lib
from jaxperf.running import config_file, entries, folder, plugins, specs
from jaxperf.running import jobs as jobs_lib
from tests import planned


def _opened(path, config):
  """The config of the whole folder, after it was written."""
  whole = folder.merged_config(path, config)
  folder.write(path, whole, jobs_lib.plan(whole))
  return whole


def _config(**values):
  defaults = {'submissions': ('baselines.nadamw', 'baselines.adamw')}
  return config_lib.make_config(defaults | values)


def test_jobs_are_submissions_times_workloads_times_studies_times_trials():
  config = _config(
    workloads=('mini_clicks', 'mini_molecules'), ruleset='external'
  )
  jobs = planned.jobs(config)
  assert len(jobs) == 2 * 2 * 3 * 5
  assert len({j.folder for j in jobs}) == len(jobs)
  assert len(planned.jobs(_config(workloads=('mini_clicks',)))) == 2 * 3


def test_plans_are_reproducible_and_seeds_are_paired_across_submissions():
  config = _config(workloads=('mini_clicks',))
  jobs = planned.jobs(config)
  assert jobs == planned.jobs(config)
  by_submission = {}
  for job in jobs:
    by_submission.setdefault(job.spec, []).append(job.seed)
  one, two = by_submission.values()
  assert one == two
  assert len(set(one)) == 3
  other = planned.jobs(dataclasses.replace(config, seed=1))
  assert {j.seed for j in jobs}.isdisjoint(j.seed for j in other)


def test_adding_a_submission_or_workload_changes_no_other_trial():
  small = planned.jobs(_config(workloads=('mini_clicks',)))
  large = planned.jobs(
    _config(
      submissions=('baselines.nesterov', 'baselines.nadamw', 'baselines.adamw'),
      workloads=('mini_molecules', 'mini_clicks'),
    )
  )
  assert set(map(str, small)) <= set(map(str, large))


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'sed': 1}, "config key 'sed' does not exist: did you mean 'seed'"),
    ({'seed': 'one'}, 'config.seed is'),
    ({'seed': -1}, 'expected 0 or more'),
    ({'max_parallel': 0}, 'expected 1 or more'),
    ({'ruleset': 'both'}, 'expected one of external, self'),
    ({'submissions': ()}, 'config.submissions is empty'),
    ({'data': 'real'}, "expected '' .real data. or 'fake'"),
  ],
)
def test_a_config_that_cannot_be_is_refused(values, message):
  with pytest.raises(errors.UserError, match=message):
    _config(**values)


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'workloads': ('mini_click',)}, "did you mean 'mini_clicks'"),
    ({'submissions': ('baselines.nadam',)}, "did you mean 'baselines.nadamw'"),
    ({'submissions': ('no/such/file.py',)}, 'does not exist'),
    ({'rules': 'v0.7'}, "did you mean 'v0.[56]'"),
    ({'rules': 'v0.6', 'workloads': ('mini_clicks',)}, 'say nothing about'),
    ({'ruleset': 'external', 'trials': 99}, '99 trials were asked for'),
    ({'submissions': ('baselines.nadamp',)}, 'asks for hyperparameters'),
    (
      {'submissions': ('baselines.lion',), 'ruleset': 'external'},
      'named .submission.; it has self_tuning',
    ),
  ],
)
def test_a_plan_that_cannot_be_is_refused(values, message):
  with pytest.raises(errors.UserError, match=message):
    planned.jobs(_config(**values))


def test_a_submission_file_is_found_by_path(tmp_path):
  path = tmp_path / 'mine.py'
  path.write_text(
    'import jaxperf, optax\n'
    'submission = jaxperf.Submission(optimizer=lambda h, r: optax.sgd(0.1))\n'
    'other = jaxperf.Submission(optimizer=lambda h, r: optax.sgd(0.2))\n'
  )
  assert specs.name(str(path)) == 'mine'
  assert specs.name(f'{path}:other') == 'mine_other'
  entries.entry(str(path), 'self')
  with pytest.raises(errors.UserError, match='it has submission, other'):
    entries.entry(f'{path}:third', 'self')
  path.write_text('x = 1\n')
  with pytest.raises(errors.UserError, match='has no submission named'):
    entries.entry(str(path), 'self')


def test_an_algoperf_search_space_replaces_the_tuning(tmp_path):
  path = tmp_path / 'space.json'
  path.write_text(json.dumps([{'learning_rate': r} for r in (0.1, 0.2)]))
  config = _config(
    ruleset='external',
    workloads=('mini_clicks',),
    studies=1,
    trials=2,
    search_space=str(path),
  )
  points = [j.point for j in planned.jobs(config)]
  assert points == [{'learning_rate': 0.1}, {'learning_rate': 0.2}] * 2


def test_a_folder_of_another_config_is_refused_and_unharmed(tmp_path):
  config = _config(workloads=('mini_clicks',))
  _opened(tmp_path, config)
  before = {path: path.read_bytes() for path in tmp_path.rglob('*.json')}
  assert before
  other = dataclasses.replace(config, seed=1)
  with pytest.raises(errors.UserError, match='seed is 1, there it is 0'):
    _opened(tmp_path, other)
  after = {path: path.read_bytes() for path in tmp_path.rglob('*.json')}
  assert after == before
  faster = dataclasses.replace(config, max_parallel=2)
  _opened(tmp_path, faster)


def test_a_folder_takes_up_further_submissions(tmp_path):
  _opened(tmp_path, _config(workloads=('mini_clicks',)))
  more = _config(
    submissions=('baselines.nesterov',), workloads=('mini_molecules',)
  )
  whole = _opened(tmp_path, more)
  assert whole.submissions == (
    'baselines.nadamw',
    'baselines.adamw',
    'baselines.nesterov',
  )
  assert whole.workloads == ('mini_clicks', 'mini_molecules')
  assert folder.read_config(tmp_path) == whole


def test_a_folder_of_something_else_is_refused(tmp_path):
  (tmp_path / 'thesis.tex').write_text('')
  with pytest.raises(errors.UserError, match='holds nothing that'):
    _opened(tmp_path, _config())
  with pytest.raises(errors.UserError, match='holds nothing that'):
    status.read_experiment(tmp_path)


def test_every_shipped_experiment_can_be_planned():
  for name in plugins.experiment_names():
    assert planned.jobs(config_file.parse(name, []))


def test_overrides_take_lists_and_keys_that_the_file_leaves_out():
  config = config_file.parse(
    'quickstart',
    [
      '--config.submissions=baselines.nadamw,my_file.py',
      '--config.workloads=mini_clicks',
      '--config.microbatches=4',
    ],
  )
  assert config.submissions == ('baselines.nadamw', 'my_file.py')
  assert config.workloads == ('mini_clicks',)
  assert config.microbatches == 4


@pytest.mark.parametrize(
  ('overrides', 'message'),
  [
    (['--config.sed=1'], "did you mean 'seed'"),
    (['--config.seed=x'], 'seed'),
    (['--seed=1'], "unknown argument '--seed=1'"),
  ],
)
def test_overrides_that_cannot_be_are_refused(overrides, message):
  with pytest.raises(errors.UserError, match=message):
    config_file.parse('quickstart', overrides)


def test_config_files_that_cannot_be_read_are_named(tmp_path):
  with pytest.raises(errors.UserError, match="did you mean 'quickstart'"):
    config_file.parse('quickstar', [])
  path = pathlib.Path(tmp_path, 'config.py')
  path.write_text('def nothing(): pass\n')
  with pytest.raises(errors.UserError, match='has no get_config'):
    config_file.parse(str(path), [])
  path.write_text('def get_config(:\n')
  with pytest.raises(errors.UserError, match='is not valid Python'):
    config_file.parse(str(path), [])


def test_a_file_may_be_named_from_another_folder(tmp_path, monkeypatch):
  here, there = tmp_path / 'here', tmp_path / 'there'
  for place in (here, there):
    place.mkdir()
  path = here / 'mine.py'
  path.write_text(
    'import jaxperf, optax\n'
    'submission = jaxperf.Submission(optimizer=lambda h, r: optax.sgd(0.1))\n'
  )
  monkeypatch.chdir(here)
  _opened(tmp_path / 'out', _config(submissions=('./mine.py',)))
  monkeypatch.chdir(there)
  whole = _opened(tmp_path / 'out', _config(submissions=('../here/mine.py',)))
  assert whole.submissions == (str(path),)
  monkeypatch.chdir(here)
  whole = _opened(tmp_path / 'out', _config(submissions=('mine.py',)))
  assert whole.submissions == ('mine.py',)
