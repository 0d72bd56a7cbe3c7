import ml_collections


def get_config():
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'rules.toml', 'self'
  config.submissions = ('whole.py', 'half.py')
  config.workloads = ('mini_molecules',)
  return config
