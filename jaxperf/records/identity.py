# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What made the numbers of a trial: recorded at each start, and compared.

`identity.json` in a trial's folder is a list with one entry for each start that
differs from the one before. An entry has these parts, each name -> value:

- `submission`: its file and the modules beside it that it imports -> SHA-256;
- `point`: hyperparameters;
- `settings`: workload, seed, batch size, budget, targets and what else of
  config and rules changes results;
- `data`: manifest of the prepared data, and what its batches mean;
- `packages`: versions; `numerics`: precision and debug flags; `machine`:
  platform and devices.

A trial whose first four parts differ is another trial. The last three may
change when it goes on; then whoever reads the numbers is told.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from jaxperf import errors
from jaxperf.records import files

Identity = Mapping[str, Mapping[str, Any]]

FILE = 'identity.json'
DECISIVE = ('submission', 'point', 'settings', 'data')
SURROUNDINGS = ('packages', 'numerics', 'machine')
# Settings of JAX that change numbers or times -> what they usually are.
USUAL = {
  'jax_enable_x64': False,
  'jax_debug_nans': False,
  'jax_debug_infs': False,
  'jax_debug_key_reuse': False,
  'jax_enable_checks': False,
  'jax_check_tracer_leaks': False,
  'jax_disable_jit': False,
  'jax_disable_most_optimizations': False,
  'jax_default_prng_impl': 'threefry2x32',
  'jax_threefry_partitionable': True,
  'jax_random_seed_offset': 0,
}


def read(folder: pathlib.Path) -> list[Identity]:
  """All that a trial was made by, in order; empty if that was not recorded.

  Raises:
    UserError: if the file is damaged.
  """
  path = folder / FILE
  try:
    found = files.read_json(path) or []
    for entry in found:
      for part in entry.values():
        part.keys()
  except (ValueError, AttributeError, TypeError) as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): restore it, or begin '
      'the trial anew in another --workdir'
    ) from None
  return found


def unusual(numerics: Mapping[str, Any]) -> list[str]:
  """Settings of JAX that are not as usual, as the environment names them.

  >>> unusual({'jax_enable_x64': True, 'jax_random_seed_offset': 3})
  ['JAX_ENABLE_X64', 'JAX_RANDOM_SEED_OFFSET=3']
  """
  found = []
  for name, usual in USUAL.items():
    value = numerics.get(name)
    if value is True and usual is False:
      found.append(name.upper())
    elif value is not None and value != usual:
      found.append(f'{name.upper()}={value}')
  return found


def note(folder: pathlib.Path, identity: Identity) -> None:
  """Records what makes a trial from now on, if that is not the last entry."""
  entries = read(folder)
  now = _plain(identity)
  if not entries or entries[-1] != now:
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / FILE, [*entries, now])


def changes(before: Identity, now: Identity) -> list[str]:
  """What differs in the decisive parts, a few words each.

  >>> one = {'submission': {'a.py': '01'}, 'settings': {'seed': 1}}
  >>> changes(one, {'submission': {'a.py': '02'}, 'settings': {'seed': 2}})
  ['a.py changed', 'seed is 2, it was 1']
  """
  now = _plain(now)
  found = []
  for part in DECISIVE:
    old, new = before.get(part, {}), now.get(part, {})
    hashed = part == 'submission'
    for name in sorted({*old, *new}):
      if old.get(name) != new.get(name):
        found.append(_change(name, old, new, hashed))
  return found


def _change(name: str, old: Mapping, new: Mapping, hashed: bool) -> str:
  """How one value of a part changed."""
  if name not in new:
    return f'{name} is gone' if hashed else f'{name} was {old[name]!r}'
  if name not in old:
    return f'{name} is new' if hashed else f'{name} is {new[name]!r}'
  if hashed:
    return f'{name} changed'
  return f'{name} is {new[name]!r}, it was {old[name]!r}'


def _plain(identity: Identity) -> dict[str, Any]:
  """The same as JSON gives it back."""
  return json.loads(json.dumps(identity))
