import optax

import jaxperf

submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.sgd(hps.learning_rate),
  tuning=jaxperf.SelfTuning(learning_rate=0.1),
)
