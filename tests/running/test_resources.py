# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of a cluster, and the scripts and manifests that ask for it."""

import pathlib
import subprocess

import pytest
import yaml

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import (
  config_file,
  handover,
  kubernetes,
  launch,
  resources,
  sbatch,
)
from jaxperf.running.launch import local

validate = pytest.importorskip('kubernetes_validate')


def config(*overrides):
  given = ['--config.submissions=baselines.adamw', *overrides]
  return config_file.parse('mini_self_tuning', given)


def task(results, number=1, limit_s=None, **asked):
  name = f'adam/study_0/wmt_jax/trial_{number}'
  return launch.Task(
    results / name,
    ['/usr/bin/python3', '-P', '-m', 'jaxperf', 'trial', str(results), name],
    resources.Resources(**asked),
    limit_s,
  )


def options(script):
  """The lines that sbatch reads, as it reads them."""
  pairs = [
    line.removeprefix('#SBATCH --').partition('=')
    for line in script.splitlines()
    if line.startswith('#SBATCH')
  ]
  return {name: value for name, _, value in pairs}


def test_keys_of_one_workload_go_before_those_of_all():
  made = config(
    '--config.nodes=1',
    '--config.slurm.gpus=8',
    '--config.slurm.exclusive',
    '--config.resources.mini_mri.nodes=2',
    '--config.resources.mini_mri.slurm.gpus=4',
  )
  found = resources.of(made, 'mini_mri')
  assert (found.nodes, found.processes_per_node, found.processes) == (2, 1, 2)
  assert dict(found.slurm) == {'gpus': '4', 'exclusive': ''}
  found = resources.of(made, 'mini_clicks').slurm
  assert dict(found) == {'gpus': '8', 'exclusive': ''}


def test_a_config_file_and_the_command_line_add_up(tmp_path):
  path = tmp_path / 'conf.py'
  path.write_text(
    'import ml_collections\n'
    'def get_config():\n'
    '  config = ml_collections.ConfigDict()\n'
    "  config.submissions = ('baselines.adamw',)\n"
    "  config.slurm = {'gpus': 8, 'exclusive': False}\n"
    "  config.resources = {'mini_mri': {'slurm': {'time': '1:00'}}}\n"
    '  return config\n'
  )
  made = config_file.parse(
    str(path),
    ['--config.slurm.account=me', '--config.resources.mini_mri.nodes=3'],
  )
  assert made.slurm == {'gpus': '8', 'account': 'me'}
  found = resources.of(made, 'mini_mri')
  assert found.nodes == 3
  assert dict(found.slurm)['time'] == '1:00'
  again = config_lib.make_config(
    {'submissions': made.submissions, 'resources': made.resources}
  )
  assert again.resources == made.resources


@pytest.mark.parametrize(
  ('given', 'said'),
  [
    ('--config.slurm=8', 'keys below others'),
    ('--config.studies.x=8', 'keys below others'),
    ('--config.resources.mini_mri.node=2', "did you mean 'nodes'"),
    ('--config.resources.mini_mry.nodes=2', "did you mean 'mini_mri'"),
    ('--config.resources.mini_mri.nodes=0', 'expected 1 or more'),
    ('--config.resources.mini_mri=2', 'expected keys below it'),
    ('--config.nodes=0', 'expected 1 or more'),
    ('--config.retries=-1', 'expected 0 or more'),
    ('--config.slurm.g;x=1', 'expected a long option of sbatch'),
  ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(given, said):
  with pytest.raises(errors.UserError, match=said):
    config(given)


def test_tasks_that_ask_for_the_same_are_one_array(tmp_path):
  results = tmp_path / 'results'
  tasks = [
    task(results, 1, 3600.0),
    task(results, 2, 3600.0),
    task(results, 3, 7200.0),
    task(results, 4, 3600.0, nodes=2),
    task(results, 5, 3600.0),
  ]
  arrays = sbatch.write(results, tasks, 4, 2)
  lists = [array.list.read_text().split() for array in arrays]
  assert [len(lines) for lines in lists] == [2, 1, 1, 1]
  assert [name[-1] for lines in lists for name in lines] == list('12534')
  assert sbatch.folder(results) == tmp_path / 'results.launch'
  assert not results.exists()  # Nothing stands among the results.


def test_a_script_says_what_a_person_would_say(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  results = tmp_path / 'my results 100%'
  asked = task(
    results,
    limit_s=90_000.0,
    nodes=2,
    processes_per_node=4,
    slurm=(('gpus-per-node', '8'), ('exclusive', ''), ('signal', 'TERM@300')),
    slurm_setup='module load cuda',
  )
  (array,) = sbatch.write(results, [asked], 3, 1000)
  script = array.script.read_text()
  assert options(script) == {
    'job-name': array.name,
    'array': '0-0%3',
    'requeue': '',
    'open-mode': 'append',
    'signal': 'TERM@300',
    'nodes': '2',
    'ntasks-per-node': '4',
    'output': f'"{tmp_path}/my results 100%%.launch/%A_%a.log"',
    'chdir': str(tmp_path),
    'time': '1-01:00:00',
    'gpus-per-node': '8',
    'exclusive': '',
  }
  assert '\nmodule load cuda\n' in script
  assert 'srun --kill-on-bad-exit=1 --unbuffered --label' in script
  assert subprocess.run(['bash', '-n', array.script]).returncode == 0


@pytest.mark.parametrize(
  ('code', 'restarts', 'requeued'),
  [
    *((code, 0, False) for code in (0, 1, 2, 76, 126, 127)),
    *((code, 0, True) for code in (75, 134, 137, 143, 9)),
    (75, 50, False),
  ],
)
def test_a_script_asks_to_be_queued_again_where_it_can_go_on(
  tmp_path, code, restarts, requeued
):
  """With programs in place of SLURM's that say how they were called."""
  results = tmp_path / 'results'
  tools = tmp_path / 'bin'
  tools.mkdir()
  for name, text in {
    'srun': f'echo "$@"; exit {code}',
    'scontrol': f'echo "$@" > {tmp_path}/asked; exit 1',
  }.items():
    (tools / name).write_text(f'#!/bin/bash\n{text}\n')
    (tools / name).chmod(0o755)
  asked = task(results)
  asked.folder.mkdir(parents=True)
  (array,) = sbatch.write(results, [asked], 1, 10)
  done = subprocess.run(
    ['bash', array.script],
    env={
      'PATH': f'{tools}:/usr/bin:/bin',
      'SLURM_ARRAY_TASK_ID': '0',
      'SLURM_RESTART_COUNT': str(restarts),
      'SLURM_JOB_ID': '12',
    },
  )
  assert done.returncode == code
  there = tmp_path / 'asked'
  assert there.exists() == requeued
  if requeued:
    assert there.read_text() == 'requeue 12\n'
  said = (asked.folder / 'trial.log').read_text().split()
  assert said[-5:-1] == ['-m', 'jaxperf', 'trial', str(results)]
  assert said[-1] == asked.command[-1]


def test_lines_run_anywhere_and_name_their_processes(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('JAXPERF_DATA', "/data of mine's")
  results = tmp_path / 'results'
  text = handover.text(
    'commands', results, [task(results), task(results, 2, nodes=2)], config()
  )
  lines = text.splitlines()
  assert len(lines) == 1 + 2
  assert lines[0].startswith(f'cd {tmp_path} && GLIBC_TUNABLES=')
  assert lines[2].endswith('--num-processes=2 --process-id=1')
  done = subprocess.run(
    ['bash', '-c', lines[0].replace('/usr/bin/python3', 'printenv')],
    capture_output=True,
    text=True,
  )
  assert "invalid option -- 'P'" in done.stderr
  assert "JAXPERF_DATA='/data of mine'\"'\"'s'" in lines[0]


def test_one_process_on_this_machine_gets_all_of_it(tmp_path):
  with pytest.raises(errors.UserError, match='leave nodes and'):
    local.Local(1).start([task(tmp_path, nodes=2)])


def manifests(text):
  return list(yaml.safe_load_all(text))


def test_trials_are_indices_of_one_job(tmp_path):
  results = tmp_path / 'quick'
  tasks = [task(results, number) for number in range(1, 6)]
  made = config('--config.max_parallel=3')
  text = kubernetes.manifests(
    results, tasks, made, kubernetes.Pod('image:1', 'claim', 'main', 8)
  )
  (job,) = manifests(text)
  validate.validate(job, '1.37', strict=True)
  spec = job['spec']
  assert (spec['completions'], spec['parallelism']) == (5, 3)
  assert spec['suspend'] is True
  assert job['metadata']['labels']['kueue.x-k8s.io/queue-name'] == 'main'
  (container,) = spec['template']['spec']['containers']
  assert container['command'][:3] == ['jaxperf', 'trial', str(results)]
  (listed,) = (tmp_path / 'quick.launch').glob('*.txt')
  assert container['command'][3:] == [
    f'--list={listed}',
    '--index-from=JOB_COMPLETION_INDEX',
  ]
  assert len(listed.read_text().splitlines()) == 5
  assert container['resources']['limits'] == {'nvidia.com/gpu': '8'}


def test_a_trial_over_hosts_is_a_job_and_a_service(tmp_path):
  results = tmp_path / 'Quick_1'
  text = kubernetes.manifests(
    results, [task(results, nodes=2)], config(), kubernetes.Pod()
  )
  service, job = manifests(text)
  for each in (service, job):
    validate.validate(each, '1.37', strict=True)
  name = service['metadata']['name']
  assert job['metadata']['name'] == name
  assert job['spec']['suspend'] is False
  pod = job['spec']['template']['spec']
  assert pod['subdomain'] == name
  variables = {v['name']: v.get('value') for v in pod['containers'][0]['env']}
  assert variables['JAXPERF_COORDINATOR'] == f'{name}-0.{name}:29500'
  assert variables['JAXPERF_NUM_PROCESSES'] == '2'
  job['spec']['complettions'] = 2
  with pytest.raises(validate.ValidationError):
    validate.validate(job, '1.37', strict=True)


def test_nothing_missing_makes_nothing(tmp_path):
  assert handover.text('commands', tmp_path, [], config()) == ''
  made = kubernetes.manifests(tmp_path, [], config(), kubernetes.Pod())
  assert made == ''
  assert list(pathlib.Path(tmp_path).iterdir()) == []
