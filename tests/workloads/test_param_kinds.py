# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter kinds against the published classification of every parameter."""

import jax
import pytest

from tests import reference
from workloads import param_kinds

BASES = (
  'criteo1tb',
  'fastmri',
  'imagenet_resnet',
  'imagenet_vit',
  'librispeech_conformer',
  'librispeech_deepspeech',
  'ogbg',
  'wmt',
)


def nested(leaves):
  """A nested dict from a list of `(path, value)`."""
  tree = {}
  for path, value in leaves:
    *parents, name = path.split('/')
    node = tree
    for parent in parents:
      node = node.setdefault(parent, {})
    node[name] = value
  return tree


@pytest.mark.parity
@pytest.mark.parametrize('base', BASES)
def test_kinds_are_the_published_ones(base, parity):
  for name, variant in reference.index(base)['workloads'][base][
    'variants'
  ].items():
    leaves = [(p['path'], p['type'].lower()) for p in variant['params']]
    expected = nested(leaves)
    kinds = param_kinds.by_path(expected)
    parity.equal(
      f'{name} kinds', jax.tree.leaves(kinds), jax.tree.leaves(expected)
    )
    assert jax.tree.structure(kinds) == jax.tree.structure(expected)


def test_a_parameter_outside_all_modules_is_a_weight():
  assert param_kinds.by_path({'probe': 0.0}) == {'probe': 'weight'}
