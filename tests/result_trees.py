# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Writes small trees of results for the tests of everything that reads them."""

import json
import pathlib

import pandas as pd

CONFORMER = 'librispeech_conformer'  # Target: wer < 0.085884 in 61,068 s.
CONFIG = {
  'rules': 'v0.5',
  'ruleset': 'self',
  'workloads': [CONFORMER, 'librispeech_deepspeech'],
  'submissions': ['baselines.slow', 'mine/fast.py'],
}
HEADER = (
  'accumulated_eval_time,accumulated_logging_time,accumulated_submission_time,'
  'global_step,preemption_count,score,test/wer,total_duration,train/wer,'
  'validation/wer'
)


def study_times(times):
  """Long table from {submission: {workload: [times of the studies]}}."""
  rows = [
    (submission, workload, study, time)
    for submission, by_workload in times.items()
    for workload, values in by_workload.items()
    for study, time in enumerate(values)
  ]
  columns = ['submission', 'workload', 'study', 'time']
  return pd.DataFrame(rows, columns=columns)


def row(step, seconds, wer):
  """One line of a file with `HEADER`."""
  return f'1.0,0.5,{seconds},{step},0,{seconds},{wer},{seconds + 2},{wer},{wer}'


def trial_folder(root, submission, study, workload, trial, framework='jax'):
  """Makes the folder of a trial."""
  folder = pathlib.Path(
    root,
    submission,
    f'study_{study}',
    f'{workload}_{framework}',
    f'trial_{trial}',
  )
  folder.mkdir(parents=True)
  return folder


def write_trial(folder, rows, *, hparams=None, result=None, environment=None):
  """Writes a trial's files; rows are (step, seconds, wer)."""
  lines = [HEADER, *(row(*values) for values in rows)]
  path = folder / 'eval_measurements.csv'
  path.write_text('\n'.join(lines) + '\n')
  files = {
    'hparams.json': hparams,
    'result.json': result,
    'meta_data_0.json': environment,
  }
  for name, content in files.items():
    if content is not None:
      (folder / name).write_text(json.dumps(content))
  return path


def add_trial(
  root, submission, study, workload, trial, rows, *, framework='jax', **files
):
  """A trial folder with files; returns the path of its evaluations."""
  folder = trial_folder(root, submission, study, workload, trial, framework)
  return write_trial(folder, rows, **files)


def write_tree(root, studies=1):
  """`fast` reaches both targets, `slow` one."""
  for study in range(studies):
    for name, factor in (('fast', 1.0), ('slow', 2.0)):
      for workload in CONFIG['workloads']:
        rows = [(1, 5, 0.9), (100, factor * (100 + study), 0.08)]
        if name == 'slow' and workload != CONFORMER:
          rows = rows[:1]
        add_trial(
          root,
          name,
          study,
          workload,
          1,
          rows,
          hparams={'learning_rate': 0.1},
          result={'outcome': 'reached' if len(rows) > 1 else 'budget'},
          environment={
            'cpu_model_name': 'X',
            'cpu_count': 2,
            'jax_version': '1',
          },
        )
  (root / 'config.json').write_text(json.dumps(CONFIG))
  return root
