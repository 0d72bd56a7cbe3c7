# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Comparisons of a workload with the published benchmark's numbers."""

import jax
import numpy as np
import pytest

from tests import reference
from workloads.imagenet import workload as workload_lib


def slow_except(names, *quick) -> list:
  """Test parameters; all but the quick ones are marked as slow."""
  return [
    pytest.param(name, marks=() if name in quick else pytest.mark.slow)
    for name in names
  ]


def variant(base: str, name: str) -> dict:
  """Index entry of a variant."""
  return reference.index(base)['workloads'][base]['variants'][name]


def flat(tree) -> dict:
  """Path with slashes -> leaf."""
  return {
    '/'.join(entry.key for entry in path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def summary(x) -> list[float]:
  """Sum, sum of squares and largest magnitude."""
  x = np.asarray(x, np.float64)
  return [x.sum(), (x**2).sum(), np.abs(x).max()]


def compare_parameters(parity, workload, entry) -> None:
  """Number, paths, shapes and kinds of parameters and running statistics."""
  params, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  parity.equal('count', count, entry['param_count'])
  kinds = flat(workload.param_kinds(params))
  for tree, key in ((params, 'params'), (model_state, 'batch_stats')):
    shapes = {path: list(leaf.shape) for path, leaf in flat(tree).items()}
    expected = {leaf['path']: leaf['shape'] for leaf in entry.get(key, [])}
    parity.equal(f'paths of {key}', sorted(shapes), sorted(expected))
    for path, shape in expected.items():
      parity.equal(f'{path} shape', shapes.get(path), shape)
  for leaf in entry['params']:
    path = leaf['path']
    parity.equal(f'{path} kind', kinds.get(path), leaf['type'].lower())


def compare_initial_values(parity, workload, base) -> None:
  """Statistics and first element of each leaf for the published key."""
  entry = variant(base, workload.name)
  key = jax.random.PRNGKey(reference.index(base)['init_seed'])
  leaves = flat(jax.jit(workload.init)(key)[0])
  stats = reference.arrays(base)[f'{workload.name}/init_stats']
  for leaf, row in zip(entry['params'], stats):
    x = np.asarray(leaves[leaf['path']], np.float64)
    actual = [x.mean(), x.std(), x.min(), x.max(), x.ravel()[0]]
    parity.close(leaf['path'], actual, row, atol=1e-7, rtol=1e-6)


def forward_and_gradient(workload, params, model_state, batch, smoothing):
  """Evaluation logits, training logits, mean loss, gradient, new state."""

  @jax.jit
  def compute(params, model_state, batch):
    def loss_fn(params):
      logits, new_state = workload.apply(
        params, model_state, batch, jax.random.key(0), train=True
      )
      loss = workload.loss(logits, batch, label_smoothing=smoothing)
      return loss.summed / loss.n_valid, (logits, new_state)

    (value, (logits, new_state)), gradient = jax.value_and_grad(
      loss_fn, has_aux=True
    )(params)
    eval_logits, _ = workload.apply(
      params, model_state, batch, None, train=False
    )
    return eval_logits, logits, value, gradient, new_state

  return compute(params, model_state, batch)


def compare_logits(parity, mode, logits, expected, *, cut=(), atol=1e-4):
  """Logits (the stored cut of them) and their summary."""
  parity.close(
    f'{mode} logits',
    np.asarray(logits)[cut],
    expected[f'{mode}_logits'],
    atol=atol,
    rtol=1e-4,
  )
  # The sum of n values has n times the error of one; most of it cancels.
  total, squares, largest = summary(logits)
  stored = expected[f'{mode}_logits_summary']
  size = np.size(logits)
  parity.close(f'{mode} sum', total, stored[0], atol=atol * size**0.5)
  parity.close(f'{mode} squares', squares, stored[1], rtol=1e-4)
  parity.close(f'{mode} largest', largest, stored[2], atol=atol, rtol=1e-4)


def compare_gradient(
  parity, gradient, entry, expected, rtol_of=lambda path: 2e-3
) -> None:
  """Norm and first element of the gradient of each leaf, and global norm.

  Args:
    parity: the rows.
    gradient: tree of the gradient.
    entry: index entry of the variant.
    expected: the stored arrays.
    rtol_of: path -> how far the norm of that leaf may be off.
  """
  gradient = flat(gradient)
  paths = [leaf['path'] for leaf in entry['params']]
  leaves = [np.asarray(gradient[path]) for path in paths]
  norms = np.array([np.linalg.norm(leaf) for leaf in leaves])
  stored, total = expected['grad_norms'], expected['grad_global_norm']
  # Some gradients are zero but for rounding, hence the second term.
  limits = np.array([rtol_of(path) for path in paths]) * stored + 1e-6 * total
  for path, norm, right, limit in zip(paths, norms, stored, limits):
    parity.close(f'{path} gradient', norm, right, atol=limit)
  parity.close('global norm', np.linalg.norm(norms), total, rtol=2e-3)
  off = np.linalg.norm(norms - stored) / np.linalg.norm(stored)
  parity.close('all norms as one vector', off, 0.0, atol=2e-3)
  first = np.array([leaf.ravel()[0] for leaf in leaves])
  parity.close(
    'first gradients / limits',
    first / limits,
    expected['grad_first'] / limits,
    atol=1.0,
  )


def compare_batch(batch, spec) -> None:
  """Names, shapes and dtypes of a batch are those of its specification."""
  assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {
    k: (v.shape, v.dtype) for k, v in spec.items()
  }


def case_arrays(base: str, prefix: str) -> dict[str, np.ndarray]:
  """The arrays below a prefix, without it."""
  prefix += '/'
  return {
    key.removeprefix(prefix): value
    for key, value in reference.arrays(base).items()
    if key.startswith(prefix)
  }


def compare_loss(parity, loss, expected) -> None:
  """The three parts of a loss."""
  for key, value in (
    ('summed', loss.summed),
    ('n_valid_examples', loss.n_valid),
    ('per_example', loss.per_example),
  ):
    parity.close(key, value, expected[key], rtol=1e-5)


def compare_image_loss(parity, base, labels, smoothing, masked) -> None:
  """Loss with hard labels (`'loss'`) or blended ones (`'loss_soft'`)."""
  numbers = reference.arrays(base)
  targets = numbers['loss/labels']
  if labels == 'loss_soft':
    one_hot = np.eye(1000, dtype=np.float32)[targets]
    targets = 0.7 * one_hot + 0.3 * np.roll(one_hot, 1, axis=0)
  batch = {'targets': targets}
  if masked == 'mask':
    batch['weights'] = numbers['loss/mask']
  loss = workload_lib.loss(
    numbers['loss/logits'], batch, label_smoothing=smoothing
  )
  compare_loss(
    parity, loss, case_arrays(base, f'{labels}/ls{smoothing}_{masked}')
  )


def compare_image_metrics(parity, base) -> None:
  """Summed loss and number of hits of the masked logits."""
  numbers = reference.arrays(base)
  batch = {'targets': numbers['loss/labels'], 'weights': numbers['loss/mask']}
  sums = workload_lib.metric_sums(numbers['loss/logits'], batch)
  parity.close('loss', sums['loss'], numbers['metrics/loss_sum'], rtol=1e-5)
  correct = float(sums['num_correct'])
  parity.equal('correct', correct, numbers['metrics/num_correct'])
