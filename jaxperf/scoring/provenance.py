# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Warnings of results that different things have made."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd

from jaxperf import text
from jaxperf.records import identity


def warnings(trials: pd.DataFrame) -> list[str]:
  """What does not go together, one sentence each.

  Args:
    trials: those that are scored, with `submission`, `hardware` and `identity`:
      what made a trial at each of its starts, empty where nothing says so.
  """
  found = [*_versions(trials), *_unusual(trials)]
  for part in identity.SURROUNDINGS:
    # One sentence about hardware is enough.
    if part != 'machine' or trials['hardware'].nunique() < 2:
      found += _differences(trials, part)
  return found


def _versions(trials: pd.DataFrame) -> Iterator[str]:
  """A sentence for each submission whose trials are not all of one version."""
  for name, own in trials.groupby('submission', sort=False):
    # Where it was not recorded, nothing can be said.
    last = {
      path: json.dumps(entries[-1].get('submission'), sort_keys=True)
      for path, entries in zip(own['path'], own['identity'])
      if entries
    }
    versions = list(dict.fromkeys(last.values()))
    if len(versions) > 1:
      example = [
        next(path for path, version in last.items() if version == one)
        for one in versions[:2]
      ]
      yield (
        f'results of {name} come from {len(versions)} versions of its files, '
        f'{example[0]} and {example[1]} for example: run again what is old, '
        'with `jaxperf run ... --changed=rerun`.'
      )


def _unusual(trials: pd.DataFrame) -> Iterator[str]:
  """A sentence for each setting of JAX that slows or changes all numbers."""
  seen: dict[str, dict[str, None]] = {}
  for path, entries in zip(trials['path'], trials['identity']):
    for entry in entries:
      for setting in identity.unusual(entry.get('numerics', {})):
        seen.setdefault(setting, {})[path] = None
  for setting, paths in seen.items():
    yield (
      f'{text.plural(len(paths), "trial")} ran with {setting}, which changes '
      f'numbers or times: {text.few(list(paths))}.'
    )


def _differences(trials: pd.DataFrame, part: str) -> Iterator[str]:
  """A sentence for each value of a part that trials do not share."""
  seen: dict[str, dict[str, list[str]]] = {}
  for name, entries in zip(trials['submission'], trials['identity']):
    for entry in entries:
      for key, value in entry.get(part, {}).items():
        names = seen.setdefault(key, {}).setdefault(str(value), [])
        if name not in names:
          names.append(name)
  for key, values in seen.items():
    if len(values) > 1:
      some = '; '.join(
        f'{value or "none"} ({text.few(names)})'
        for value, names in values.items()
      )
      yield (
        f'trials ran with different {part}, {key}: {some}: their numbers and '
        'times may differ for that reason.'
      )
