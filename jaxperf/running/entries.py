# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From the text that names a submission to the submission, once a process."""

from __future__ import annotations

import pathlib
import types
from collections.abc import Mapping
from typing import NamedTuple

from jaxperf import errors
from jaxperf import submission as submission_lib
from jaxperf import tuning as tuning_lib
from jaxperf.algoperf import adapter, files
from jaxperf.algoperf import method as algoperf_method
from jaxperf.running import plugins, sources, specs
from jaxperf.trial import compiled, trial

_ATTRIBUTE = {'external': 'submission', 'self': 'self_tuning'}


class Entry(NamedTuple):
  """What a spec names: a submission as it takes part in an experiment.

  Attributes:
    spec: the text that names it: `baselines.NAME` or any importable module, or
      the path of a Python file; `:ATTRIBUTE` names one of several submissions.
    name: of its folder of results.
    submission: a `jaxperf.Submission`, or an `algoperf.files.File`.
    method: how that kind of submission trains.
    tuning: its own, or what replaces it.
    files: that it is made of -> SHA-256, see `sources.files`; the one that
      defines it comes first.
  """

  spec: str
  name: str
  submission: submission_lib.Submission | files.File
  method: trial.Method
  tuning: tuning_lib.Tuning
  files: Mapping[str, str]

  @property
  def digest(self) -> str:
    """SHA-256 of the file that defines it."""
    return next(iter(self.files.values()))


def entry(spec: str, ruleset: str, search_space: str = '') -> Entry:
  """The submission that a spec names; executes its file.

  Args:
    spec: see `Entry`. A file may be one that was written against the AlgoPerf
      API, see `jaxperf.algoperf`.
    ruleset: `'external'` takes `submission` from the module, `'self'` takes
      `self_tuning`, or `submission` if that tunes itself.
    search_space: path of an AlgoPerf JSON file that replaces the submission's
      own tuning; empty for none.

  Raises:
    UserError: if there is no such module or submission, or if its tuning does
      not fit the rule set or cannot be read.
  """
  return _entry(
    spec, plugins.module(specs.split(spec)[0]), ruleset, search_space
  )


def entry_of_any(spec: str) -> tuple[str, Entry]:
  """The rule set that a submission is for, `'self'` if it can, and its entry.

  Raises:
    UserError: as `entry` does for external tuning.
  """
  module = plugins.module(specs.split(spec)[0])
  try:
    found = _entry(spec, module, 'self', '')
  except errors.UserError:
    return 'external', _entry(spec, module, 'external', '')
  if isinstance(found.submission, files.File):
    # An AlgoPerf file tells by the search space beside it.
    path = pathlib.Path(specs.split(spec)[0])
    if adapter.has_search_space(path):
      return 'external', _entry(spec, module, 'external', '')
  return 'self', found


def _entry(
  spec: str, module: types.ModuleType, ruleset: str, search_space: str
) -> Entry:
  """The entry of an imported module; decides which kind of submission it is."""
  source, attribute = specs.split(spec)
  path = pathlib.Path(source)
  package = files.package_of(path) if specs.is_file(source) else None
  if package:
    submission = adapter.adapt(path, module, package, ruleset)
    method = algoperf_method.ALGOPERF
    if not search_space:
      adapter.check_tuning(submission, spec, ruleset)
  else:
    submission = _native(module, source, attribute or None, ruleset)
    method = compiled.OPTAX
    _check_tuning(submission, spec, ruleset)
  tuning = submission.tuning
  if search_space:
    tuning = _search_space(search_space, ruleset)
  return Entry(
    spec=spec,
    name=specs.name(spec),
    submission=submission,
    method=method,
    tuning=tuning,
    files=sources.files(module),
  )


def _native(
  module: types.ModuleType, source: str, attribute: str | None, ruleset: str
) -> submission_lib.Submission:
  """The `jaxperf.Submission` in a module."""
  if attribute is None:
    attribute = _ATTRIBUTE[ruleset]
    if not hasattr(module, attribute):
      attribute = 'submission'
  found = getattr(module, attribute, None)
  if isinstance(found, submission_lib.Submission):
    return found
  others = [
    name
    for name, value in vars(module).items()
    if isinstance(value, submission_lib.Submission)
  ]
  hint = f'; it has {", ".join(others)}' if others else ''
  raise errors.UserError(
    f'{source} has no submission named {attribute!r}{hint}. A submission '
    f'file ends with `{attribute} = jaxperf.Submission(...)`.'
  )


def _check_tuning(
  submission: submission_lib.Submission, spec: str, ruleset: str
) -> None:
  """Refuses tuning that does not fit the rule set."""
  tunes_itself = isinstance(submission.tuning, tuning_lib.SelfTuning)
  if ruleset == 'self' and not tunes_itself:
    raise errors.UserError(
      f'{spec} asks for hyperparameters from outside, but ruleset is self: run '
      'it with --config.ruleset=external, or give it '
      '`self_tuning = jaxperf.Submission(..., tuning=jaxperf.SelfTuning(...))`'
    )
  if ruleset == 'external' and tunes_itself:
    raise errors.UserError(
      f'{spec} tunes itself, but ruleset is external: run it with '
      '--config.ruleset=self, or give it a `submission` whose tuning is '
      'jaxperf.Points or jaxperf.SearchSpace'
    )


def _search_space(path: str, ruleset: str) -> tuning_lib.Tuning:
  """The tuning that `config.search_space` names."""
  if ruleset == 'self':
    raise errors.UserError(
      'config.search_space gives hyperparameters from outside, but ruleset is '
      'self: use --config.ruleset=external'
    )
  try:
    return tuning_lib.read_json(path)
  except (OSError, ValueError) as error:
    raise errors.UserError(f'config.search_space: {error}') from None
