# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import re
import time

import pandas as pd
import pytest

from jaxperf import errors, rules
from jaxperf.cli import main
from jaxperf.costs import rehearsal
from jaxperf.records import read
from jaxperf.running import config_file, launch, plugins
from jaxperf.running.launch import local
from tests import click_logs, command, imagenet_archives, sentence_pairs
from tests.workloads import (
  test_criteo1tb_training,
  test_fastmri_data,
  test_imagenet_training,
  test_librispeech_data,
  test_ogbg_data,
  test_wmt_streams,
)


def speech(folder):
  """With an error rate that costs nothing."""
  small = test_librispeech_data.small(folder)

  def finish(sums, rows):
    loss = small.finish(sums, rows)['loss']
    return {'loss': loss, 'wer': 1 / (1 + loss)}

  return small._replace(finish=finish, metric_names=('loss', 'wer'))


SMALL = {
  'criteo1tb': test_criteo1tb_training.small,
  'fastmri': test_fastmri_data.small,
  'imagenet_resnet': test_imagenet_training.linear,
  'imagenet_vit': test_imagenet_training.linear,
  'librispeech_conformer': speech,
  'librispeech_deepspeech': speech,
  'ogbg': test_ogbg_data.small,
  'wmt': test_wmt_streams.small,
}
# Batches that fit into 20 GiB, with the miniatures.
BATCH_SIZES = (
  *('criteo1tb:64', 'fastmri:2', 'imagenet_resnet:4', 'imagenet_vit:4'),
  *('librispeech_conformer:2', 'librispeech_deepspeech:2', 'ogbg:32', 'wmt:4'),
)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory, mri_data, speech_data, molecule_data, pair_data):
  """All six prepared miniatures in one folder."""
  folder = tmp_path_factory.mktemp('all')
  clicks = tmp_path_factory.mktemp('clicks')
  click_logs.prepared(clicks)
  images = pathlib.Path(imagenet_archives.data_dir())
  for place in (
    mri_data,
    speech_data,
    molecule_data,
    pair_data,
    clicks,
    images,
  ):
    for path in pathlib.Path(place).iterdir():
      (folder / path.name).symlink_to(path)
  return folder


class Here:
  """A launcher that runs tasks in this process."""

  detached = False
  running = ()
  waiting = 0

  def __init__(self):
    self._ended = []

  def start(self, tasks):
    for task in tasks:
      task.folder.mkdir(parents=True, exist_ok=True)
      arguments = list(task.command)
      arguments = arguments[arguments.index('jaxperf') + 1 :]
      self._ended.append(launch.Ended(task, main.main(arguments)))

  def ended(self):
    ended, self._ended = self._ended, []
    return ended

  def stop(self):
    """There is nothing left to stop."""


def test_all_workloads_are_measured_on_prepared_data(
  data_dir, tmp_path, monkeypatch, capsys
):
  monkeypatch.setattr(local, 'make', lambda config: Here())
  monkeypatch.setattr(
    plugins, 'workload', lambda name, data=None: SMALL[name](data_dir)
  )
  sizes = ','.join(f'{name}:8' for name in SMALL if name != 'ogbg')
  arguments = ('--config.max_steps=3', f'--config.batch_sizes={sizes},ogbg:64')
  rehearse = ['run', '--config=rehearsal', f'--config.data_dir={data_dir}']
  assert main.main([*rehearse, f'--workdir={tmp_path}', *arguments]) == 0
  printed = capsys.readouterr().out
  assert '8 trials: 8 finished' in printed
  assert 'jaxperf score' not in printed
  for name in SMALL:
    # Once in each part of the first table, which is cut, and in the second one.
    assert len(re.findall(f'^{name} ', printed, re.M)) == 3
  rows = pd.read_csv(next(tmp_path.glob('*/*/fastmri_jax/*/eval_meas*.csv')))
  assert rows['global_step'].tolist() == [1, 3]
  assert set(rows['validation/num_examples']) == {2 * 8}
  with pytest.raises(errors.UserError, match='holds a dress rehearsal'):
    read.results(tmp_path)
  # Told again, without training anything again.
  monkeypatch.setattr(local, 'make', None)
  again = rehearsal.report(tmp_path)
  assert again in printed


def test_a_trial_in_steps_counts_them_as_measured():
  measured = rehearsal.Measured(
    workload='mini_clicks',
    batch_size=64,
    batch_share=0.5,
    step_s=0.010,
    wait_s=0.002,
    example_s=1e-4,
    eval_s=2.0,
    setup_s=5.0,
    peak_bytes=2**30,
  )
  # 450 steps of 128 examples at 24 ms, an evaluation after 1, 30, ... 450.
  seconds = measured.trial_s(rules.load('mini'), 'mini_clicks', 'self')
  assert seconds == pytest.approx(5 + 450 * 0.024 + 16 * 2)
  assert measured.pace(rules.load('mini')) is None


def test_hours_of_budgets_in_seconds_agree_with_arithmetic(tmp_path):
  trial = tmp_path / 'nadamw/study_0/fastmri_jax/trial_1'
  trial.mkdir(parents=True)
  job = {
    **{'submission': 'baselines.nadamw', 'workload': 'fastmri', 'study': 0},
    **{'trial': 1, 'seed': 0, 'point': {}},
    'folder': 'nadamw/study_0/fastmri_jax/trial_1',
  }
  (tmp_path / 'jobs.json').write_text(json.dumps([job]))
  config = {
    **{'rules': 'v0.6', 'submissions': ['baselines.nadamw'], 'max_steps': 20},
    'rehearsal': 2,
  }
  (tmp_path / 'config.json').write_text(json.dumps(config))
  result = {
    'buckets': {'setup': 20, 'compile': 100, 'train': 10, 'data_wait': 2},
    **{'outcome': 'finished', 'step': 20, 'message': None},
    **{'eval_batches': 6, 'eval_batch_size': 8},
    'peak_memory': {'of': 'device', 'bytes': 3 * 2**30},
  }
  (trial / 'result.json').write_text(json.dumps(result))
  (trial / 'flags_0.json').write_text(json.dumps({'batch_size': 32}))
  (trial / 'eval_measurements.csv').write_text(
    'global_step,accumulated_eval_time\n1,30\n20,36\n'
  )
  printed = rehearsal.report(tmp_path)
  # 6 s for 48 examples; 3,584 + 3,554 + 3,581 are 1,340 s; 20 + 100 + 30 - 6.
  # Steps of 0.6 s where 2,745 s (v1.0) for 18,094 steps are 0.152 s each.
  assert cells(printed, 'fastmri', 0) == [
    *('32', '500.0 ms', '17%', '125 ms', '1,340 s', '144 s', '3.0'),
    *('0.25',),
  ]
  # v1.0: 2,745 s and 25 evaluations, or 4,117.5 s and 38; v0.6: 4,430 and 56,
  # or 6,645 and 84; v0.5: 8,859 and 111, or 26,577 and 333. The held-out
  # variant of v0.5 counts as much.
  evaluation = 0.125 * 10_719
  once = [
    (144 + budget + count * evaluation) / 3600
    for budget, count in [
      *[(2745, 25), (4117.5, 38), (4430, 56), (6645, 84)],
      *[(8859, 111), (26577, 333)],
    ]
  ]
  assert cells(printed, 'fastmri', 1) == [f'{x:,.3g}' for x in once]
  trials, runs, studies = (5, 1) * 3, (1, 1, 1, 1, 2, 2), (3, 3, 3, 3, 5, 5)
  study = [x * n * m for x, n, m in zip(once, trials, runs)]
  assert cells(printed, 'a study of these', 0) == shown(study)
  whole = [x * n for x, n in zip(study, studies)]
  assert cells(printed, 'all studies', 0) == shown(whole)


def shown(hours) -> list[str]:
  """Three digits, or all before the point."""
  return [f'{x:,.3g}' if x < 1000 else f'{x:,.0f}' for x in hours]


def cells(printed: str, name: str, which: int) -> list[str]:
  """What a table says in the row of that name, other than the name."""
  lines = [line for line in printed.splitlines() if line.startswith(name)]
  return re.split(r'  +', lines[which])[1:]


@pytest.mark.parametrize(
  ('overrides', 'message'),
  [
    (['--config.max_steps=1'], 'at least 2 steps'),
    (['--config.max_steps=0'], 'at least 2 steps'),
    (['--config.submissions=baselines.lion,baselines.adamw'], 'one submission'),
    (['--config.batch_sizes=wmt'], "'wmt', expected WORKLOAD:EXAMPLES"),
    (['--config.batch_sizes=wmt:0'], 'expected WORKLOAD:EXAMPLES'),
    (['--config.batch_sizes=wnt:8'], "'wnt:8', expected WORKLOAD:EXAMPLES"),
    (
      ['--config.rehearsal=0', '--config.batch_sizes=wmt:8'],
      'is for a dress rehearsal',
    ),
  ],
)
def test_what_is_no_rehearsal_is_refused(overrides, message):
  with pytest.raises(errors.UserError, match=message):
    config_file.parse('rehearsal', overrides)


@pytest.mark.slow
def test_true_models_are_measured_on_this_machine(data_dir, tmp_path):
  """Two steps each, within 20 minutes and 20 GiB on two cores."""
  whole = tmp_path / 'data'
  sentence_pairs.prepared_wide(whole)
  for path in data_dir.iterdir():
    if path.name != 'wmt':
      (whole / path.name).symlink_to(path)
  begin = time.monotonic()
  sizes = ','.join(BATCH_SIZES)
  arguments = ('--config.max_steps=2', f'--config.batch_sizes={sizes}')
  done = command.jaxperf(
    *('run', '--config=rehearsal', f'--config.data_dir={whole}', *arguments),
    f'--workdir={tmp_path / "results"}',
  )
  print(done.stdout)
  assert done.returncode == 0, done.stderr
  assert '8 trials: 8 finished' in done.stdout
  for path in tmp_path.glob('results/**/result.json'):
    result = json.loads(path.read_text())
    assert result['step'] == 2
    assert result['peak_memory']['bytes'] < 20 * 2**30
  assert time.monotonic() - begin < 20 * 60
