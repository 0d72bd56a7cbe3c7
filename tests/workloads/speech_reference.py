# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Compares a speech workload with the reference numbers of a variant."""

import dataclasses
import re

import jax
import numpy as np

import workloads
from tests import reference
from workloads import tokenizers
from workloads.librispeech import data, spec_augment
from workloads.librispeech import workload as workload_lib

LOGITS = {'atol': 1e-3, 'rtol': 1e-4}
CHAOTIC_LOGITS = {'atol': 1e-2, 'rtol': 1e-4}  # Of no_resnet in training.
# Recurrent kernels are made by LAPACK's QR factorisation, whose blocks, and so
# its rounding, depend on the processor: elements up to 0.3 were 3e-7 to 1.5e-6
# off. By the usual bound they may be 256 x 2^-24 = 1.5e-5 off.
ORTHOGONAL = 1e-5
_RECURRENT = re.compile('/h[ifgo]/kernel$')


class Variant:
  """A variant's index entry, arrays, parameters, batch and workload."""

  def __init__(self, base: str, name: str, model):
    """Builds the workload with neither augmentation nor dropout.

    Args:
      base: the base workload.
      name: the variant.
      model: its module, with no dropout rate of its own.
    """
    self.entry = reference.index(base)['workloads'][base]['variants'][name]
    self.shared = reference.arrays(base)
    self.params = reference.filled(base, self.entry['params'])
    self.model_state = reference.filled(base, self.entry.get('batch_stats', []))
    self.init_stats = self.shared[f'{name}/init_stats']
    self.batch = stored_batch(base)
    settings = dataclasses.replace(
      workloads.settings(name), model=model, masks=spec_augment.Masks(0, 0)
    )
    self.workload = workload_lib.build(name, settings, data='fake')
    self.stored = reference.stored_part(
      self.entry['cases']['main']['logits_stored']
    )
    self._prefix = f'{name}/main/'

  def __getitem__(self, key: str) -> np.ndarray:
    return self.shared[self._prefix + key]


def stored_batch(base: str) -> dict:
  """The reference batch of two utterances."""
  arrays = reference.arrays(base)
  return data.batch_of(
    arrays['batch/audio_i16'],
    arrays['batch/audio_lengths'],
    arrays['batch/targets'],
    np.sum(arrays['batch/target_paddings'] == 0, axis=1),
  )


def check_tree(parity, variant: Variant) -> None:
  """Names, shapes, kinds and counts of parameters and running statistics."""
  params, model_state = jax.eval_shape(variant.workload.init, jax.random.key(0))
  entry = variant.entry
  parity.equal('parameters', _shapes(params), _listed(entry['params']))
  parity.equal(
    'parameter count',
    sum(x.size for x in jax.tree.leaves(params)),
    entry['param_count'],
  )
  parity.equal(
    'running statistics',
    _shapes(model_state),
    _listed(entry.get('batch_stats', [])),
  )
  kinds = jax.tree.leaves(variant.workload.param_kinds(params))
  parity.equal(
    'kinds',
    [kind.name for kind in kinds],
    [leaf['type'] for leaf in entry['params']],
  )


def check_init(parity, variant: Variant, seed: int) -> None:
  """The initial parameters, which are the same up to the last bit or two."""
  params, _ = variant.workload.init(jax.random.PRNGKey(seed))
  rows = zip(
    variant.entry['params'],
    jax.tree.leaves(params),
    variant.init_stats,
    strict=True,
  )
  for leaf, value, expected in rows:
    x = np.asarray(value, np.float64)
    stats = [x.mean(), x.std(), x.min(), x.max(), x.flat[0]]
    atol = ORTHOGONAL if _RECURRENT.search(leaf['path']) else 1e-6
    parity.close(f'initial {leaf["path"]}', stats, expected, atol=atol)


def check_evaluation(parity, variant: Variant) -> None:
  """Logits, losses, decoded labels and metrics in evaluation mode."""
  workload = variant.workload
  batch = variant.batch | {'weights': np.ones(len(variant.batch['inputs'][0]))}

  @jax.jit
  def evaluate(params, model_state):
    outputs, same = workload.apply(
      params, model_state, batch, None, train=False
    )
    sums, rows = workload.evaluate(params, model_state, batch, None)
    return outputs, same, workload.loss(outputs, batch), sums, rows

  outputs, model_state, loss, sums, rows = evaluate(
    variant.params, variant.model_state
  )
  jax.tree.map(np.testing.assert_array_equal, model_state, variant.model_state)
  _check_logits(parity, variant, 'eval', outputs, LOGITS)
  per_example = variant['eval_loss_per_example']
  parity.close('eval losses', loss.per_example, per_example, rtol=1e-4)
  parity.equal('decoded', rows['recognised'], variant['eval_decoded'])
  detokenize = tokenizers.from_bytes(
    reference.arrays('librispeech_conformer')['tokenizer/model'].tobytes()
  ).decode
  metrics = workload_lib.finish(
    detokenize, sums, jax.tree.map(np.asarray, rows)
  )
  expected = variant.entry['eval_metrics_one_device']
  parity.close('ctc_loss', metrics['ctc_loss'], expected['ctc_loss'], rtol=1e-4)
  parity.close('wer', metrics['wer'], expected['wer'], rtol=1e-12)


def check_training(
  parity, variant: Variant, logits=LOGITS, gradients=2e-3
) -> None:
  """Logits, loss, gradient and new statistics in training mode.

  Args:
    parity: the rows.
    variant: what to run.
    logits: tolerances of the logits.
    gradients: relative tolerance of gradient norms.
  """
  workload = variant.workload

  @jax.jit
  def run(params):
    outputs, model_state = workload.apply(
      params,
      variant.model_state,
      variant.batch,
      jax.random.key(0),
      train=True,
      dropout_rate=0.0,
    )
    loss = workload.loss(outputs, variant.batch)
    return loss.summed / loss.n_valid, (outputs, model_state, loss)

  (mean, (outputs, model_state, loss)), gradient = jax.value_and_grad(
    run, has_aux=True
  )(variant.params)
  _check_logits(parity, variant, 'train', outputs, logits)
  parity.close('train loss', mean, variant['train_loss'], rtol=1e-4)
  for name, value in [
    ('summed', loss.summed),
    ('n_valid_examples', loss.n_valid),
    ('per_example', loss.per_example),
  ]:
    parity.close(name, value, variant[f'train_loss_{name}'], rtol=1e-4)
  _check_gradient(parity, variant, gradient, gradients)
  leaves = [np.asarray(x, np.float64) for x in jax.tree.leaves(model_state)]
  if not leaves:
    return
  summaries = [[x.sum(), np.sum(x**2), np.abs(x).max()] for x in leaves]
  expected = variant['new_batch_stats_summary']
  parity.close('new statistics', summaries, expected, rtol=1e-4)
  first = [x.flat[0] for x in leaves]
  expected = variant['new_batch_stats_first']
  parity.close('new statistics, first', first, expected, rtol=1e-4)


def _check_logits(parity, variant, mode, outputs, tolerance) -> None:
  """All that is stored of the logits."""
  logits = np.asarray(outputs[0], np.float64)
  parity.equal('paddings', outputs[1], variant['logit_paddings'])
  expected = variant[f'{mode}_logits']
  parity.close(f'{mode} logits', logits[variant.stored], expected, **tolerance)
  total, squares, largest = variant[f'{mode}_logits_summary']
  # By Cauchy and Schwarz, what an error of this relative size can add up to.
  relative = tolerance['atol'] / 10
  atol = relative * np.sqrt(logits.size * squares)
  parity.close(f'{mode} sum of logits', logits.sum(), total, atol=atol)
  ends = [np.sum(logits**2), np.abs(logits).max()]
  parity.close(f'{mode} sizes', ends, [squares, largest], rtol=2 * relative)
  best = variant[f'{mode}_logits_argmax'].astype(int)[..., None]
  at_best = np.take_along_axis(logits, best, axis=-1)[..., 0]
  atol = 2 * tolerance['atol']  # Two labels may be as good as each other.
  parity.close(f'{mode} best', at_best, logits.max(axis=-1), atol=atol)
  log_sum = np.log(np.sum(np.exp(logits), axis=-1))
  expected = variant[f'{mode}_logits_logsumexp']
  parity.close(f'{mode} log-sum-exp', log_sum, expected, **tolerance)


def _check_gradient(parity, variant, gradient, relative) -> None:
  """Norm and first element of each leaf, and the global norm."""
  leaves = [np.asarray(x, np.float64) for x in jax.tree.leaves(gradient)]
  norms = [np.linalg.norm(x) for x in leaves]
  total = variant['grad_global_norm']
  parity.close('global norm', np.linalg.norm(norms), total, rtol=relative)
  first = [x.flat[0] for x in leaves]
  for leaf, norm, norm_expected, value, value_expected in zip(
    variant.entry['params'],
    norms,
    variant['grad_norms'],
    first,
    variant['grad_first'],
  ):
    # Leaves whose gradient is zero in exact arithmetic hold rounding noise,
    # which is within the absolute part.
    atol = relative * norm_expected + 1e-6 * total
    parity.close(f'norm of {leaf["path"]}', norm, norm_expected, atol=atol)
    parity.close(f'first of {leaf["path"]}', value, value_expected, atol=atol)


def _shapes(tree) -> list[str]:
  """Path and shape of each leaf, in order."""
  return [
    f'{"/".join(entry.key for entry in path)} {list(leaf.shape)}'
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  ]


def _listed(leaves) -> list[str]:
  """The same of an index list."""
  return [f'{leaf["path"]} {leaf["shape"]}' for leaf in leaves]
