# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Memory that a process keeps."""

import importlib.metadata
import platform
import subprocess
import sys

import jax
import pytest

from jaxperf import allocator

PAGES = """
import resource
import numpy as np
from jaxperf import allocator

if KEEPS:
  allocator.keep_freed_memory()

def faults():
  return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

np.ones(10_000_000)  # 80 MB, taken and given back.
before = faults()
for _ in range(10):
  np.ones(10_000_000)
print(faults() - before)
"""


@pytest.fixture
def platforms():
  """Sets the platforms that JAX may use, which it no longer looks at."""
  before = jax.config.jax_platforms
  yield lambda names: jax.config.update('jax_platforms', names)
  jax.config.update('jax_platforms', before)


def new_pages(keeps: bool) -> int:
  """Pages that the kernel maps for ten arrays of the same size in turn."""
  program = PAGES.replace('KEEPS', str(keeps))
  done = subprocess.run(
    [sys.executable, '-c', program], capture_output=True, text=True, check=True
  )
  return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='glibc only')
def test_what_was_freed_is_used_again():
  assert new_pages(keeps=True) < 0.1 * new_pages(keeps=False)


def test_no_change_where_an_accelerator_may_be_used(platforms, monkeypatch):
  platforms('cuda,cpu')
  assert not allocator._on_cpu()
  platforms('cpu')
  assert allocator._on_cpu()
  platforms(None)
  monkeypatch.setattr(importlib.metadata, 'entry_points', lambda group: [group])
  assert not allocator._on_cpu()
