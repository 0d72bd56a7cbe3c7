# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the image classification workloads share: description, data, metrics."""

import math
from collections.abc import Callable

from jaxperf import workload as workload_lib
from workloads import param_kinds
from workloads.imagenet import classification
from workloads.imagenet import data as data_lib


def workload(
  name: str,
  init: Callable,
  apply: Callable,
  description: workload_lib.Description,
  data: workload_lib.Data,
  *,
  batch_size: int,
  eval_batch_size: int,
) -> workload_lib.Workload:
  """A workload from its model and data.

  Args:
    name: of the workload.
    init: see `jaxperf.Workload`.
    apply: see `jaxperf.Workload`.
    description: from `description`.
    data: its batches.
    batch_size: training examples in a step.
    eval_batch_size: evaluation examples in a batch.
  """

  def evaluate(params, model_state, batch, key):
    logits, _ = apply(params, model_state, batch, key, train=False)
    return classification.metric_sums(logits, batch), {}

  return workload_lib.Workload(
    name=name,
    description=description,
    init=init,
    apply=apply,
    loss=classification.loss,
    evaluate=evaluate,
    finish=classification.finish,
    data=data,
    param_kinds=param_kinds.by_path,
    loss_kind=workload_lib.LossKind.SOFTMAX_CROSS_ENTROPY,
    default_batch_size=batch_size,
    eval_batch_size=eval_batch_size,
    metric_names=classification.METRIC_NAMES,
  )


def description(
  model: str,
  eval_batch_size: int,
  source: str,
  *,
  mini: bool = False,
  default_dropout: float | None = None,
) -> workload_lib.Description:
  """Facts of a workload on ImageNet, or on the images that ship.

  On ImageNet the evaluation on training images covers as many full batches as
  that on the validation split.
  """
  if mini:
    dataset = 'Fashion-MNIST (16,000 images)'
    splits = (12_000, data_lib.MINI_EVAL_TRAIN, 2_000, 2_000)
  else:
    dataset = 'ImageNet (test: ImageNet-v2)'
    num_eval_train = math.ceil(50_000 / eval_batch_size) * eval_batch_size
    splits = (1_281_167, num_eval_train, 50_000, 10_000)
  num_train, num_eval_train, num_validation, num_test = splits
  return workload_lib.Description(
    task='image classification',
    dataset=dataset,
    model=model,
    loss='softmax cross entropy',
    num_train=num_train,
    num_eval_train=num_eval_train,
    num_validation=num_validation,
    num_test=num_test,
    default_dropout=default_dropout,
    uses_label_smoothing=True,
    source=source,
  )
