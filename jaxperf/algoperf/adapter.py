# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From an AlgoPerf file to a submission, and what tuning it asks for."""

from __future__ import annotations

import pathlib
import types

from jaxperf import errors, tuning
from jaxperf.algoperf import files

_REQUIRED = (
  'get_batch_size',
  'init_optimizer_state',
  'update_params',
  'data_selection',
)
_SEARCH_SPACE = 'tuning_search_space.json'


def adapt(
  path: pathlib.Path, module: types.ModuleType, package: str, ruleset: str
) -> files.File:
  """The submission that an AlgoPerf file defines.

  Its batch size for evaluation is not asked for: how a split is cut in batches
  changes no metric, and is the harness's own business.

  Args:
    path: of the file; its search space lies beside it.
    module: the file, imported.
    package: that it imports `spec` from.
    ruleset: `'external'` or `'self'`.

  Raises:
    UserError: if a function is missing, or the search space cannot be read.
  """
  missing = [name for name in _REQUIRED if not hasattr(module, name)]
  if missing:
    raise errors.UserError(
      f'{path} looks like an AlgoPerf submission, but does not define '
      f'{", ".join(missing)}'
    )
  return files.File(
    module=module,
    package=package,
    tuning=_tuning(path.with_name(_SEARCH_SPACE), ruleset),
    batch_size=module.get_batch_size,
  )


def has_search_space(path: pathlib.Path) -> bool:
  """Whether a search space lies beside a file."""
  return path.with_name(_SEARCH_SPACE).is_file()


def check_tuning(submission: files.File, spec: str, ruleset: str) -> None:
  """Refuses external tuning of a file that brings no search space.

  Raises:
    UserError: saying how to name one.
  """
  tunes_itself = isinstance(submission.tuning, tuning.SelfTuning)
  if ruleset == 'external' and tunes_itself:
    raise errors.UserError(
      f'{spec} has no {_SEARCH_SPACE} beside it, but ruleset is external: name '
      'one with --config.search_space=PATH, or run it with '
      '--config.ruleset=self'
    )


def _tuning(path: pathlib.Path, ruleset: str) -> tuning.Tuning:
  """The search space beside the file, if there is one and it is needed."""
  if ruleset == 'self' or not path.is_file():
    return tuning.SelfTuning()
  try:
    return tuning.read_json(path)
  except ValueError as error:
    raise errors.UserError(str(error)) from None
