# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A real SLURM of several nodes on this machine, and experiments for it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from tests import trial_files

_SCRIPT = pathlib.Path(__file__).with_name('slurm.sh')
ONE_DEVICE = os.environ | {'XLA_FLAGS': ''}
RULES = """
title = "many steps"
unit = "steps"
studies = 1
external_trials = 1
self_tuning_budget = 1.0
counts_compilation = false
hardware = "any"
precision = "float32"
tau_max = 4.0
fixed_batch_size = true

[workloads.mini_clicks]
metric = "loss"
direction = "minimize"
validation_target = -1.0
test_target = -1.0
budget = {steps}
eval_period = 50
step_hint = {steps}
"""
SUBMISSION = """
import time
import jaxperf, optax


def select_data(batches, opt_state, params, key):
  time.sleep({delay})
  return next(batches)


submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.adam(hps.rate),
  select_data=select_data,
  tuning=jaxperf.SelfTuning(rate=1e-3),
)
"""


class Cluster:
  """A SLURM that runs."""

  def __init__(self, folder, **settings):
    self.folder, self._settings = folder, settings
    try:
      self.start()
    except subprocess.CalledProcessError:
      self.stop()  # What did start would keep its ports.
      raise
    self.variables = ONE_DEVICE | {'SLURM_CONF': f'{folder}/slurm.conf'}

  def start(self):
    """Also nodes that were killed."""
    self._do('start')

  def stop(self):
    self._do('stop')

  def kill(self, node):
    self._do('kill', node)

  def cut(self, node):
    self._do('cut', node)

  def mend(self, node):
    self._do('mend', node)

  def processes(self, node):
    """Numbers and command lines of the trials' processes on a node."""
    done = subprocess.run(
      [_SCRIPT, 'enter', self.folder, node, 'ps', '-eo', 'pid,args'],
      capture_output=True,
      text=True,
    )
    return [
      (int(line.split()[0]), line)
      for line in done.stdout.splitlines()
      if '-m jaxperf trial' in line and 'srun' not in line
    ]

  def signal(self, node, number):
    """Sends a signal to the trials' processes on a node."""
    for pid, _ in self.processes(node):
      self.kill_process(node, pid, number)

  def kill_process(self, node, pid, number):
    self._do('enter', node, 'kill', f'-{int(number)}', str(pid))

  def run(self, *words):
    """The output of a command of SLURM's."""
    return subprocess.run(
      words, env=self.variables, capture_output=True, text=True, check=True
    ).stdout

  def queue(self):
    """State and host of each array task of ours."""
    out = self.run('squeue', '--array', '-h', '-o', '%T %N %j')
    return [line.split() for line in out.splitlines() if 'jaxperf-' in line]

  def clear(self):
    """Ends what a test has left."""
    subprocess.run(['scancel', '--me'], env=self.variables)
    wait_for(lambda: not self.queue(), 60)

  def _do(self, command, *words):
    subprocess.run(
      [_SCRIPT, command, self.folder, *words],
      check=True,
      env=os.environ | {k: str(v) for k, v in self._settings.items()},
      stdout=subprocess.DEVNULL,
    )


class Experiment:
  """Trials of a small task with one algorithm."""

  def __init__(self, place, cluster=None, steps=150, delay=0.04):
    place.mkdir(parents=True, exist_ok=True)
    self.place, self.cluster = place, cluster
    (place / 'rules.toml').write_text(RULES.format(steps=steps))
    (place / 'mine.py').write_text(SUBMISSION.format(delay=delay))
    (place / 'conf.py').write_text(
      'import ml_collections\n'
      'def get_config():\n'
      "  return ml_collections.ConfigDict({'rules': 'rules.toml',\n"
      "    'submissions': ('mine.py',), 'checkpoint_every_s': 1.0,\n"
      "    'keep_state': True})\n"
    )
    self.results = place / 'results'

  def command(self, *words, **keys):
    keys = {'slurm.cpus-per-task': 4, 'launcher': 'slurm'} | keys
    return [
      *(sys.executable, '-P', '-m', 'jaxperf', *words),
      *('--config=conf.py', '--workdir=results'),
      *(f'--config.{key}={value}' for key, value in keys.items()),
    ]

  def start(self, variables=None, **keys):
    """`jaxperf run`, which goes on."""
    known = self.cluster.variables if self.cluster else ONE_DEVICE
    with (self.place / 'output').open('a') as output:
      return subprocess.Popen(
        self.command('run', **keys),
        cwd=self.place,
        env=known | (variables or {}),
        stdout=output,
        stderr=subprocess.STDOUT,
      )

  def run(self, **keys):
    """`jaxperf run` to its end; it must succeed."""
    assert self.start(**keys).wait(timeout=300) == 0, self.output()

  def output(self):
    return (self.place / 'output').read_text()

  def name(self, study=0):
    return f'mine/study_{study}/mini_clicks_jax/trial_1'

  def trial(self, study=0):
    return self.results / self.name(study)

  def result(self, study=0):
    path = self.trial(study) / 'result.json'
    return json.loads(path.read_text()) if path.exists() else None

  def progress(self, study=0):
    path = self.trial(study) / 'progress.json'
    return json.loads(path.read_text()) if path.exists() else None

  def log(self, study=0):
    path = self.trial(study) / 'trial.log'
    return path.read_text() if path.exists() else ''

  def wait_for_step(self, step, study=0, timeout=120):
    def there():
      progress = self.progress(study)
      return progress and progress['step'] >= step

    wait_for(there, timeout, lambda: self.output() + self.log(study))

  def losses(self):
    """Of the evaluations, in order."""
    return [
      float(row['loss'])
      for row in trial_files.rows(self.trial(), 'measurements.csv')
      if row['loss']
    ]

  def assert_curve(self, other):
    """The losses of another one, as far as the order of sums allows."""
    assert self.result()['outcome'] == 'budget'
    assert len(self.losses()) == len(other.losses())
    np.testing.assert_allclose(self.losses(), other.losses(), rtol=1e-4)

  def claim(self, study=0):
    path = self.trial(study) / 'claim.json'
    return json.loads(path.read_text()) if path.exists() else None


def wait_for(condition, timeout, said=lambda: ''):
  """Waits until something holds; returns the seconds that it took."""
  begun = time.monotonic()
  while not condition():
    assert time.monotonic() - begun < timeout, said()
    time.sleep(0.1)
  return time.monotonic() - begun


def started(folder, **settings):
  """A cluster, or a skipped test where there can be none."""
  if os.getuid() or not shutil.which('apt-get'):
    pytest.skip('needs root and apt, to start a SLURM of its own')
  return Cluster(folder, **settings)
