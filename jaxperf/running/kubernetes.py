# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The missing trials as manifests for Kubernetes.

A trial of one process is an index of one Indexed Job; a trial over several is a
Job and a headless Service of its own. Pods that are evicted do not count, and a
failed trial stops no other.
"""

from __future__ import annotations

import hashlib
import pathlib
import re
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml

import jaxperf
from jaxperf.running import launch, sbatch

_PORT = 29_500
_RESTARTS = 20
_GRACE_S = 120
_INDEX = 'JOB_COMPLETION_INDEX'
_INDEX_FIELD = "metadata.labels['batch.kubernetes.io/job-completion-index']"


class Pod(NamedTuple):
  """What the pods of an experiment are made of.

  Attributes:
    image: container image; None for `jaxperf:VERSION`.
    volume: claim that is mounted at the folder around the results folder.
    queue: of Kueue, which then starts what is suspended; None without Kueue.
    gpus: of each process.
  """

  image: str | None = None
  volume: str = 'results'
  queue: str | None = None
  gpus: int = 0


def manifests(
  results: pathlib.Path, tasks: Sequence[launch.Task], config, pod: Pod
) -> str:
  """YAML for `kubectl apply -f -`; empty if no trial is missing.

  Writes the list of trials that an Indexed Job reads.

  Args:
    results: folder of the experiment; pods see it at the same path.
    tasks: that are missing.
    config: a `config.Config`.
    pod: what the pods are made of.
  """
  start = shlex.split(config.command) or ['jaxperf']
  single = [task for task in tasks if task.resources.processes == 1]
  made = []
  if single:
    (array, *_) = sbatch.write(
      results, [task._replace(limit_s=None) for task in single], 1, len(single)
    )
    made.append(_indexed(results, array, config.max_parallel, start, pod))
  for task in tasks:
    if task.resources.processes > 1:
      made += _over_hosts(results, task, start, pod)
  return yaml.safe_dump_all(made, sort_keys=False) if made else ''


def _indexed(
  results: pathlib.Path,
  array: sbatch.Array,
  max_parallel: int,
  start: Sequence[str],
  pod: Pod,
) -> dict[str, Any]:
  """The Job whose indices are trials."""
  count = len(array.tasks)
  words = ['trial', str(results.absolute()), f'--list={array.list}']
  command = [*start, *words, f'--index-from={_INDEX}']
  spec = {
    'completionMode': 'Indexed',
    'completions': count,
    'parallelism': min(max_parallel, count),
    'backoffLimitPerIndex': _RESTARTS,
    'maxFailedIndexes': count,
  }
  name = _name(results, str(array.list))
  return _job(name, results, spec, 'FailIndex', command, [], pod)


def _over_hosts(
  results: pathlib.Path, task: launch.Task, start: Sequence[str], pod: Pod
) -> list[dict[str, Any]]:
  """The Service and the Job of a trial of several processes."""
  name = _name(results, task.command[-1])
  count = task.resources.processes
  service = {
    'apiVersion': 'v1',
    'kind': 'Service',
    'metadata': {'name': name},
    'spec': {
      'clusterIP': 'None',
      'publishNotReadyAddresses': True,
      'selector': {'job-name': name},
      'ports': [{'port': _PORT}],
    },
  }
  command = [*start, 'trial', str(results.absolute()), task.command[-1]]
  environment = [
    {'name': 'JAXPERF_NUM_PROCESSES', 'value': str(count)},
    {
      'name': 'JAXPERF_PROCESS_ID',
      'valueFrom': {'fieldRef': {'fieldPath': _INDEX_FIELD}},
    },
    {'name': 'JAXPERF_COORDINATOR', 'value': f'{name}-0.{name}:{_PORT}'},
  ]
  spec = {
    'completionMode': 'Indexed',
    'completions': count,
    'parallelism': count,
    'backoffLimit': _RESTARTS * count,
  }
  job = _job(name, results, spec, 'FailJob', command, environment, pod)
  job['spec']['template']['spec']['subdomain'] = name
  return [service, job]


def _job(
  name: str,
  results: pathlib.Path,
  spec: dict[str, Any],
  on_failure: str,
  command: Sequence[str],
  environment: list[dict[str, Any]],
  pod: Pod,
) -> dict[str, Any]:
  """A Job whose pods run one command."""
  labels = {'app': 'jaxperf'}
  queue = {'kueue.x-k8s.io/queue-name': pod.queue} if pod.queue else {}
  container = _container(results, command, environment, pod)
  rules = [
    {'action': 'Ignore', 'onPodConditions': [{'type': 'DisruptionTarget'}]},
    {
      'action': on_failure,
      'onExitCodes': {
        'containerName': 'trial',
        'operator': 'In',
        'values': [1, 2],
      },
    },
  ]
  template = {
    'restartPolicy': 'Never',
    'terminationGracePeriodSeconds': _GRACE_S,
    'containers': [container],
    'volumes': [
      {
        'name': 'results',
        'persistentVolumeClaim': {'claimName': pod.volume},
      },
      {'name': 'shm', 'emptyDir': {'medium': 'Memory'}},
    ],
  }
  return {
    'apiVersion': 'batch/v1',
    'kind': 'Job',
    'metadata': {'name': name, 'labels': labels | queue},
    'spec': spec
    | {
      'suspend': bool(pod.queue),
      'podFailurePolicy': {'rules': rules},
      'template': {'metadata': {'labels': labels}, 'spec': template},
    },
  }


def _container(
  results: pathlib.Path,
  command: Sequence[str],
  environment: list[dict[str, Any]],
  pod: Pod,
) -> dict[str, Any]:
  """What runs one command in a pod."""
  container = {
    'name': 'trial',
    'image': pod.image or f'jaxperf:{jaxperf.__version__}',
    'command': list(command),
    # Relative paths of submissions begin where the experiment was planned.
    'workingDir': str(pathlib.Path.cwd()),
    'volumeMounts': [
      {'name': 'results', 'mountPath': str(results.absolute().parent)},
      {'name': 'shm', 'mountPath': '/dev/shm'},
    ],
  }
  if environment:
    container['env'] = environment
  if pod.gpus:
    container['resources'] = {'limits': {'nvidia.com/gpu': str(pod.gpus)}}
  return container


def _name(results: pathlib.Path, what: str) -> str:
  """A name that Kubernetes takes, of the experiment and a hash.

  >>> _name(pathlib.Path('/data/My run_2'), 'trial')
  'my-run-2-d0327386'
  """
  words = re.sub('[^a-z0-9]+', '-', results.absolute().name.lower()).strip('-')
  digest = hashlib.sha256(f'{results.absolute()} {what}'.encode()).hexdigest()
  return f'{words[:40] or "jaxperf"}-{digest[:8]}'
