# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What each parameter is for, read from the names of its modules."""

from typing import Any

import jax

from jaxperf import workload

PyTree = Any
_ATTENTION_PROJECTIONS = {
  'query': workload.ParamKind.ATTENTION_Q,
  'key': workload.ParamKind.ATTENTION_K,
  'value': workload.ParamKind.ATTENTION_V,
  'out': workload.ParamKind.ATTENTION_OUT,
}


def by_path(params: PyTree) -> PyTree:
  """Kinds of all parameters, as the AlgoPerf benchmark classifies them.

  The benchmark goes by names alone, so some kinds surprise: every kernel
  inside a module named after a convolution is a convolution weight, dense or
  not, and a dense layer named `..._embedding` holds an embedding.

  >>> kinds = by_path({'Conv_0': {'kernel': 0.0, 'bias': 0.0}})
  >>> str(kinds['Conv_0']['kernel']), str(kinds['Conv_0']['bias'])
  ('conv_weight', 'bias')

  Args:
    params: nested dict of arrays or shapes, with flax's default names.

  Returns:
    A tree of the same structure, of `ParamKind`.
  """
  return jax.tree_util.tree_map_with_path(
    lambda path, _: _kind([entry.key for entry in path]), params
  )


def _kind(path: list[str]) -> workload.ParamKind:
  """Kind of one parameter; the first rule that fits decides."""
  *modules, leaf = path
  parent = modules[-1].lower() if modules else ''
  inside = '/'.join(modules).lower()
  if 'batchnorm' in parent:
    is_bias = leaf == 'bias'
    return (
      workload.ParamKind.BATCH_NORM_BIAS
      if is_bias
      else workload.ParamKind.BATCH_NORM_SCALE
    )
  if 'layernorm' in parent or parent == 'out_ln':
    is_bias = leaf == 'bias'
    return (
      workload.ParamKind.LAYER_NORM_BIAS
      if is_bias
      else workload.ParamKind.LAYER_NORM_SCALE
    )
  if leaf == 'bias':
    return (
      workload.ParamKind.ATTENTION_BIAS
      if 'attention' in inside
      else workload.ParamKind.BIAS
    )
  if 'attention' in inside:
    return _ATTENTION_PROJECTIONS.get(parent, workload.ParamKind.WEIGHT)
  if 'conv' in inside:
    return workload.ParamKind.CONV_WEIGHT
  if 'embedding' in parent or 'embedding' in leaf:
    return workload.ParamKind.EMBEDDING
  return workload.ParamKind.WEIGHT
