# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Tells whether a training algorithm trains neural networks faster.

The names below are the API. They load on first use, so that `import jaxperf`
and scoring start no accelerator library.
"""

import importlib
from typing import Any

__version__ = '0.1.0'

_EXPORTS = {
  'Submission': 'submission',
  'RunInfo': 'submission',
  'Evaluation': 'submission',
  'Restart': 'submission',
  'Scalars': 'submission',
  'Stop': 'submission',
  'Points': 'tuning',
  'SearchSpace': 'tuning',
  'SelfTuning': 'tuning',
  'Range': 'tuning',
  'Choice': 'tuning',
  'Workload': 'workload',
  'Description': 'workload',
  'Data': 'workload',
  'Loss': 'workload',
  'LossKind': 'workload',
  'ParamKind': 'workload',
}
__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
  if name not in _EXPORTS:
    raise AttributeError(f'module jaxperf has no attribute {name!r}')
  return getattr(importlib.import_module(f'jaxperf.{_EXPORTS[name]}'), name)


def __dir__() -> list[str]:
  return __all__
