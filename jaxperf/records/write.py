# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial leaves on disk: the layout and columns of AlgoPerf's logs.

`SUBMISSION/study_K/WORKLOAD_jax/trial_J/` holds `eval_measurements.csv` (one
row an evaluation), `measurements.csv` (training scalars too), `hparams.json`,
`flags_K.json` and `meta_data_K.json` (K counts the interruptions), and ours:
`result.json` once the trial has ended, `progress.json` while it runs.
"""

from __future__ import annotations

import csv
import io
import pathlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jaxperf.records import files, layout

_HEARTBEAT_S = 1.0


class ForeignRowsError(Exception):
  """The table of evaluations is not what the trial has written."""


class TrialRecord:
  """The files of one trial, kept in step with its checkpoints."""

  def __init__(
    self,
    folder: pathlib.Path,
    metric_columns: Iterable[str],
    check: Callable[[], None] = lambda: None,
  ):
    """Opens the folder.

    Args:
      folder: of the trial.
      metric_columns: `'SPLIT/METRIC'` and `'SPLIT/num_examples'` names.
      check: called before anything is written that another process could
        write; raises if the trial is not ours any more.
    """
    self._check = check
    folder.mkdir(parents=True, exist_ok=True)
    self.folder = folder
    metrics = tuple(metric_columns)
    self._eval_columns = layout.TIME_COLUMNS + metrics
    self._scalars = list(layout.SCALARS)
    self._pending: list[dict] = []
    self._evaluations: list[dict] = []

  @property
  def _columns(self) -> tuple[str, ...]:
    """Of the table with the training scalars."""
    step, *times = layout.TIME_COLUMNS
    metrics = [c for c in self._eval_columns if c not in layout.TIME_COLUMNS]
    return (step, *self._scalars, *metrics, *times)

  def starts(self) -> int:
    """How often the trial was started before."""
    return len(list(self.folder.glob('flags_*.json')))

  def start(self, evaluations: list[dict], step: int) -> None:
    """Makes the files agree with the state that the trial starts from.

    Rows of work that was lost are dropped, half-written lines too.

    Args:
      evaluations: rows of all evaluations so far.
      step: number of updates done.
    """
    path = self.folder / layout.MEASUREMENTS
    kept = _rows_before(step, path)
    for row in kept:
      self._know(row)
    # Step n of the scalars is the one after n updates, as of evaluations: those
    # come first.
    rows = sorted(evaluations + kept, key=lambda row: int(row['global_step']))
    _rewrite(path, self._columns, rows)
    self._evaluations = [dict(row) for row in evaluations]
    self._rewrite_evaluations()

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Notes the scalars of a training step; written by the next `flush`.

    A name that was not there before becomes a column of the whole table.
    """
    row = {layout.scalar_column(name): value for name, value in values.items()}
    if self._know(row):
      self._widen()
    self._pending.append({'global_step': step} | row)

  def evaluation(self, row: Mapping[str, Any]) -> None:
    """Appends one evaluation to both tables.

    Raises:
      ForeignRowsError: as `flush` does.
    """
    self._pending.append(dict(row))
    self.flush()
    self._evaluations.append(dict(row))
    _append(self.folder / layout.EVALUATIONS, self._eval_columns, [row])

  def flush(self) -> None:
    """Writes the noted training scalars.

    Raises:
      ForeignRowsError: if something else has written to the table of
        evaluations; it then holds again what the trial has measured.
    """
    self._check()
    _append(self.folder / layout.MEASUREMENTS, self._columns, self._pending)
    self._pending = []
    path = self.folder / layout.EVALUATIONS
    expected = _text(self._eval_columns, self._evaluations)
    if not path.exists() or path.read_bytes() != expected.encode():
      self._rewrite_evaluations()
      raise ForeignRowsError(
        f'{path.name} was changed by something else than the trial; it holds '
        'again what was measured, and the trial ends here'
      )

  def _know(self, row: Mapping[str, Any]) -> bool:
    """Takes in the names of scalars; returns whether some are new."""
    new = [n for n in row if n not in self._scalars and n != 'global_step']
    self._scalars += new
    return bool(new)

  def _widen(self) -> None:
    """Gives the table with the training scalars its new columns."""
    path = self.folder / layout.MEASUREMENTS
    with path.open(encoding='utf-8', newline='') as file:
      rows = list(csv.DictReader(file))
    _rewrite(path, self._columns, rows)

  def _rewrite_evaluations(self) -> None:
    """The table of what was measured, and nothing else."""
    path = self.folder / layout.EVALUATIONS
    _rewrite(path, self._eval_columns, self._evaluations)

  def settings(
    self, count: int, hparams: Mapping, flags: Mapping, environment: Mapping
  ) -> None:
    """Writes how the trial was started for the `count`-th time."""
    files.write_json(self.folder / 'hparams.json', hparams)
    files.write_json(self.folder / f'flags_{count}.json', flags)
    files.write_json(self.folder / f'meta_data_{count}.json', environment)

  def result(self, content: Mapping) -> None:
    """Writes how the trial ended; its presence says that it did."""
    self._check()
    files.write_json(self.folder / 'result.json', content)


class Heartbeat:
  """Writes `progress.json` every second, off the training thread."""

  def __init__(self, folder: pathlib.Path, progress: Callable[[], Mapping]):
    """Starts the thread.

    Args:
      folder: of the trial.
      progress: returns what to write; called from the thread.
    """
    self._path = folder / 'progress.json'
    self._progress = progress
    self._stop = threading.Event()
    self._thread = threading.Thread(target=self._work, daemon=True)
    self._thread.start()

  def close(self) -> None:
    """Stops the thread; the file tells the last state."""
    self._stop.set()
    self._thread.join()
    self._write()

  def _work(self) -> None:
    while not self._stop.is_set():
      self._write()
      self._stop.wait(_HEARTBEAT_S)

  def _write(self) -> None:
    try:
      files.write_json(self._path, dict(self._progress()))
    except OSError as error:  # A full disk must not end a trial here.
      print(f'cannot write {self._path}: {error}', flush=True)


def _rows_before(step: int, path: pathlib.Path) -> list[dict]:
  """The training scalars that an interrupted trial wrote before a step."""
  if not path.exists():
    return []
  from jaxperf.records import parse  # Loads pandas: only to read something.

  return [
    {'global_step': done} | scalars
    for done, scalars in parse.training_scalars(path)
    if done < step
  ]


def _rewrite(path: pathlib.Path, columns: tuple[str, ...], rows) -> None:
  """Replaces a CSV file."""
  files.write_text(path, _text(columns, rows))


def _append(path: pathlib.Path, columns: tuple[str, ...], rows) -> None:
  """Adds rows to a CSV file."""
  with path.open('a', encoding='utf-8', newline='') as file:
    _writer(file, columns).writerows(rows)


def _text(columns: tuple[str, ...], rows) -> str:
  """The content of a CSV file with these rows."""
  text = io.StringIO()
  writer = _writer(text, columns)
  writer.writeheader()
  writer.writerows(rows)
  return text.getvalue()


def _writer(file, columns: tuple[str, ...]) -> csv.DictWriter:
  return csv.DictWriter(file, columns, restval='', lineterminator='\n')
