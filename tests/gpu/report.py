# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Checks and measures jaxperf on the GPUs at hand; writes one report.

`make gpu-report`, or `python -m tests.gpu.report FILE` in a clone. Parity with
the reference numbers in float32 has a verdict; the differences in TF32 are
reported without one. Step times are saved beside the report as JSON, for
`jaxperf bench steps --against`.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys

from jaxperf import rules
from jaxperf.costs import step_report
from jaxperf.running import plugins

_DEVICES = 8  # Of the reference, which share its batches.
_PARITY = ('tests/workloads', '-m', 'parity and not slow')


def main(arguments: list[str] | None = None) -> int:
  """Writes the report; returns 1 if a part with a verdict failed."""
  parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
  parser.add_argument('file', type=pathlib.Path, help='Markdown, made anew')
  parser.add_argument('--platform', default='cuda', help='[%(default)s]')
  parser.add_argument(
    '--workloads', help='comma-separated [all full-size ones]'
  )
  parser.add_argument(
    '--submissions', help='comma-separated, of `bench optimizers` [all]'
  )
  parser.add_argument(
    '--parity', nargs='*', default=_PARITY, help='words for pytest'
  )
  options = parser.parse_args(arguments)
  count = _devices(options.platform)
  if not count:
    print(
      f'JAX finds no {options.platform} here: install jaxperf[cuda12] or '
      'jaxperf[cuda13] on a machine with a GPU',
      file=sys.stderr,
    )
    return 2
  report = _Report(options.file, options.platform)
  report.add('Tests', _pytest('tests/gpu', '-m', 'gpu'), precision='highest')
  parity = _pytest(*options.parity, '--parity-table')
  report.add('Parity in float32', parity, precision='highest')
  report.add(
    'Differences in TF32 (beside the limits for float32)',
    [*parity, '--tb=no'],
    precision='tensorfloat32',
    verdict=False,
  )
  report.add_steps(_names(options.workloads), count)
  words = ['bench', 'optimizers']
  if options.submissions:
    words.append(f'--submissions={options.submissions}')
  report.add('Updates', _jaxperf(*words))
  if os.environ.get('JAXPERF_DATA'):
    report.add('Input', _jaxperf('bench', 'input'))
  else:
    report.say('Input', 'not measured: JAXPERF_DATA names no prepared data')
  print(f'{options.file}: ' + ('failed' if report.failed else 'complete'))
  return int(report.failed)


class _Report:
  """A Markdown file that grows, so that what was measured is never lost."""

  def __init__(self, path: pathlib.Path, platform: str):
    self._path, self.failed = path, False
    self._variables = os.environ | {'JAX_PLATFORMS': _platforms(platform)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('# jaxperf on this machine\n')

  def say(self, title: str, text: str) -> None:
    """Adds a section of text."""
    print(f'{title} ...', file=sys.stderr, flush=True)
    with self._path.open('a') as file:
      file.write(f'\n## {title}\n\n{text}\n')

  def add(
    self,
    title: str,
    command: list[str],
    precision: str | None = None,
    verdict: bool = True,
  ) -> None:
    """Adds what a command prints.

    Args:
      title: of the section.
      command: its words.
      precision: of matrix products; None for what JAX does by itself.
      verdict: whether its failure is one of the report.
    """
    done = self._run(command, precision)
    text = f'```\n{done.stdout.rstrip()}\n```'
    if verdict:
      failed = done.returncode not in (0, 5)  # 5: no test was selected.
      self.failed |= failed
      text = ('**failed**' if failed else 'passed') + '\n\n' + text
    self.say(title, text)

  def add_steps(self, names: list[str], count: int) -> None:
    """Adds steps of workloads at the reference's batch for each device."""
    runs = []
    for name in names:
      size = plugins.workload(name, 'fake').default_batch_size
      done = self._run(
        _jaxperf(
          *('bench', 'steps', '--format=json', f'--workloads={name}'),
          f'--batch-size={max(1, size // _DEVICES) * count}',
        )
      )
      if done.returncode:
        self.failed = True
        self.say(f'Steps of {name}', f'**failed**\n\n{done.stdout}')
      else:
        runs.append(json.loads(done.stdout))
    if runs:
      rows = [row for run in runs for row in run['steps']]
      whole = {'steps': rows, 'environment': runs[0]['environment']}
      saved = self._path.with_suffix('.steps.json')
      saved.write_text(json.dumps(whole, indent=2))
      self.failed |= any(row['error'] for row in rows)
      self.say('Steps', f'```\n{step_report.table(whole)}\n```')

  def _run(
    self, command: list[str], precision: str | None = None
  ) -> subprocess.CompletedProcess:
    variables = dict(self._variables)
    if precision:
      variables['JAX_DEFAULT_MATMUL_PRECISION'] = precision
    return subprocess.run(
      command, env=variables, stdout=subprocess.PIPE, text=True
    )


def _platforms(platform: str) -> str:
  """The CPU too, which tests compare with."""
  return platform if platform == 'cpu' else f'{platform},cpu'


def _devices(platform: str) -> int:
  """How many devices of a platform JAX finds, in a process of its own."""
  done = subprocess.run(
    [sys.executable, '-c', 'import jax; print(len(jax.devices()))'],
    env=os.environ | {'JAX_PLATFORMS': platform},
    capture_output=True,
    text=True,
  )
  return int(done.stdout) if done.returncode == 0 else 0


def _names(given: str | None) -> list[str]:
  """Workloads: those that are given, or the base ones of the newest rules."""
  if given:
    return given.split(',')
  return list(rules.load(rules.newest_first()[0]).base_workloads)


def _pytest(*words: str) -> list[str]:
  return [sys.executable, '-m', 'pytest', '-q', '--no-header', *words]


def _jaxperf(*words: str) -> list[str]:
  return [sys.executable, '-P', '-m', 'jaxperf', *words]


if __name__ == '__main__':
  sys.exit(main())
