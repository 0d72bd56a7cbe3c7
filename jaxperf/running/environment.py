# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Where a run happens: machine, devices, versions, revision."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pathlib
import platform
import subprocess
from typing import Any

import jax

from jaxperf import errors
from jaxperf.running import isolated

_PACKAGES = ('jaxperf', 'jax', 'jaxlib', 'flax', 'optax', 'numpy', 'jraph')
_SIMULATED = '--xla_force_host_platform_device_count'
_PLATFORM = ('JAX_PLATFORMS', 'JAX_PLATFORM_NAME')
# Settings of JAX -> values with which the code of trials runs.
_NEEDED = {
  'jax_disable_jit': (False,),
  'jax_numpy_dtype_promotion': ('standard',),
  'jax_transfer_guard': ('allow', 'log'),
  'jax_transfer_guard_host_to_device': ('allow', 'log'),
  'jax_transfer_guard_device_to_host': ('allow', 'log'),
  'jax_transfer_guard_device_to_device': ('allow', 'log'),
}


def describe() -> dict[str, Any]:
  """Facts about machine and software, named as in AlgoPerf's meta data."""
  devices = jax.devices()
  found = {
    'os_platform': platform.platform(),
    'python_version': platform.python_version(),
    'cpu_model_name': _cpu_model(),
    'cpu_count': os.cpu_count(),
    'device_kind': devices[0].device_kind,
    'device_platform': devices[0].platform,
    'device_count': len(devices),
    'process_count': jax.process_count(),
    'git_commit_hash': git_revision(pathlib.Path.cwd()),
  }
  if devices[0].platform == 'gpu':
    found |= {
      'gpu_model_name': devices[0].device_kind,
      'gpu_count': len(devices),
    }
  for package, version in versions().items():
    found[f'{package}_version'] = version
  flags = ('XLA_FLAGS', 'JAX_DEFAULT_MATMUL_PRECISION', 'JAX_ENABLE_X64')
  return found | {name: os.environ.get(name, '') for name in flags}


def versions() -> dict[str, str]:
  """Versions of the packages that numbers depend on."""
  return {name: importlib.metadata.version(name) for name in _PACKAGES}


def check() -> None:
  """Refuses an environment in which no trial can run.

  Raises:
    UserError: names the variable, and what to do.
  """
  for name, fitting in _NEEDED.items():
    value = getattr(jax.config, name, None)
    if value is not None and value not in fitting:
      raise errors.UserError(
        f'{name.upper()} is {value}, with which trials do not run: unset it'
      )
  flags = os.environ.get('XLA_FLAGS', '').split()
  if any(flag.partition('=')[0] != _SIMULATED for flag in flags):
    # XLA ends the process at a flag that it does not know.
    _, error = isolated.call(_count_devices, {})
    if error is not None:
      raise errors.UserError(
        f'XLA_FLAGS is {" ".join(flags)!r}, with which XLA does not start '
        f'({error}): unset it, or name flags that this version has'
      )
  for name in _PLATFORM:
    asked = os.environ.get(name, '')
    if asked and asked != 'cpu':
      _, error = isolated.call(_count_devices, {})
      if error is not None:
        raise errors.UserError(
          f'{name} is {asked}, and JAX finds no such device here ({error}): '
          'unset it, or name a platform that is there'
        )


def only_cpu() -> None:
  """Keeps this process alone off the accelerators, which are for trials."""
  jax.config.update('jax_platforms', 'cpu')
  jax.config.update('jax_platform_name', '')


def _count_devices() -> int:
  """How many devices JAX finds."""
  try:
    return len(jax.devices())
  except AssertionError:  # What JAX says where a plugin is not installed.
    raise errors.UserError('its plugin is not installed') from None
  except RuntimeError as error:
    raise errors.UserError(str(error).partition(' (set ')[0]) from None


def git_revision(folder: pathlib.Path) -> str | None:
  """The commit of a working tree, `+` if it has changes; None outside git."""
  git = ('git', '-C', str(folder))
  try:
    commit = subprocess.run(
      [*git, 'rev-parse', 'HEAD'], capture_output=True, text=True, check=True
    ).stdout.strip()
    changes = subprocess.run(
      [*git, 'status', '--porcelain', '--untracked-files=no'],
      capture_output=True,
      text=True,
      check=True,
    ).stdout.strip()
  except (OSError, subprocess.CalledProcessError):
    return None
  return commit + ('+' if changes else '')


def instructions() -> str:
  """A short name for what this processor can execute.

  Code that is compiled for one processor may not run, or round otherwise, on
  another one that lacks or has further instructions.
  """
  known = _cpuinfo('flags') or _cpuinfo('Features') or platform.processor()
  known = f'{platform.machine()} {known}'
  return hashlib.sha256(known.encode()).hexdigest()[:12]


def _cpu_model() -> str:
  """The processor's name."""
  found = _cpuinfo('model name')
  return found or platform.processor() or platform.machine()


def _cpuinfo(name: str) -> str | None:
  """What Linux says of the first processor, None where it says nothing."""
  cpuinfo = pathlib.Path('/proc/cpuinfo')
  if cpuinfo.exists():
    for line in cpuinfo.read_text('utf-8', 'replace').splitlines():
      if line.startswith(name):
        return line.split(':', 1)[1].strip()
  return None
