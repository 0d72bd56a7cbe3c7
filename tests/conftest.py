# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Shared by all tests: the table of parity rows."""

import numpy as np
import pytest

# Files that tests run as submissions; their imports exist only there.
collect_ignore_glob = ['algoperf/*/submission.py']
_ROWS: list[tuple[str, str, float, float, bool]] = []


class Parity:
  """Collects comparisons with reference numbers; one test, many rows."""

  def __init__(self, test: str):
    self._test = test
    self._failed: list[str] = []

  def close(self, row: str, actual, expected, *, atol=0.0, rtol=0.0) -> None:
    """Adds a row: |actual - expected| <= atol + rtol |expected|."""
    actual = np.asarray(actual, np.float64)
    expected = np.asarray(expected, np.float64)
    if actual.shape != expected.shape:
      self._add(row, np.inf, 0.0, False)
      self._failed[-1] += f' (shape {actual.shape}, expected {expected.shape})'
      return
    error = np.abs(actual - expected)
    limit = atol + rtol * np.abs(expected)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    within = bool(np.all((error <= limit) | same))
    worst = np.where(same, 0.0, error)
    self._add(row, worst.max(initial=0.0), np.max(limit, initial=0.0), within)

  def equal(self, row: str, actual, expected) -> None:
    """Adds a row that must agree exactly (numbers, text, lists)."""
    within = bool(np.array_equal(actual, expected))
    self._add(row, 0.0 if within else np.inf, 0.0, within)
    if not within and np.size(actual) < 20:
      self._failed[-1] += f' (got {actual}, expected {expected})'

  def _add(self, row, error, limit, within):
    _ROWS.append((self._test, row, float(error), float(limit), within))
    if not within:
      self._failed.append(f'{row}: error {error:.3g}, allowed {limit:.3g}')

  def check(self) -> None:
    """Fails if a row did, naming all of them."""
    assert not self._failed, 'rows out of tolerance:\n' + '\n'.join(
      self._failed
    )


@pytest.fixture
def parity(request):
  """Rows of one test; all of them are compared before it fails."""
  rows = Parity(request.node.name)
  yield rows
  rows.check()


@pytest.fixture(scope='session')
def mri_data(tmp_path_factory):
  """A folder of prepared data with the miniature scans."""
  from tests import mri_scans  # Loads nothing where no test asks for it.

  folder = tmp_path_factory.mktemp('mri')
  mri_scans.prepared(folder)
  return folder


@pytest.fixture(scope='session')
def pair_data(tmp_path_factory):
  """A folder of prepared data with the miniature sentence pairs."""
  from tests import sentence_pairs  # Loads nothing where no test asks for it.

  folder = tmp_path_factory.mktemp('pairs')
  sentence_pairs.prepared(folder, tokenizer=str(sentence_pairs.MODEL))
  return folder


@pytest.fixture(scope='session')
def molecule_data(tmp_path_factory):
  """A folder of prepared data with the miniature molecules."""
  from tests import molecules  # Loads nothing where no test asks for it.

  folder = tmp_path_factory.mktemp('molecules')
  molecules.prepared(folder)
  return folder


@pytest.fixture(scope='session')
def speech_data(tmp_path_factory):
  """A folder of prepared data with the miniature speech."""
  from tests import speech_files

  folder = tmp_path_factory.mktemp('speech')
  speech_files.prepared(folder)
  return folder


def pytest_addoption(parser):
  parser.addoption(
    '--parity-table',
    action='store_true',
    help='print the error found for each reference number',
  )


def pytest_terminal_summary(terminalreporter, config):
  if not config.getoption('--parity-table'):
    return
  terminalreporter.section('parity with the reference numbers')
  for test, row, error, limit, within in _ROWS:
    terminalreporter.write_line(
      f'{"ok  " if within else "FAIL"} {error:10.3g} <= {limit:9.3g}  '
      f'{test}  {row}'
    )
