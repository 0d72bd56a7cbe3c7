# jaxperf in a container, for clusters and for trying it out.
#
#   docker build -t jaxperf:0.1.0 .
#   docker run --rm jaxperf:0.1.0 run --config=quickstart --workdir=/tmp/quick
#   docker run --rm --gpus=all --shm-size=16g --mount type=bind,src=/data,dst=/data \
#     --env JAXPERF_DATA=/data jaxperf:0.1.0 run --config=...
#
# The two commands of the README, in a clone that is mounted:
#
#   docker run --rm -it -v "$PWD":/jaxperf --entrypoint make jaxperf:0.1.0 quickstart
#   docker run --rm -it -v "$PWD":/jaxperf --entrypoint make jaxperf:0.1.0 test
FROM python:3.12-slim

# Extras of setup.cfg: `--build-arg EXTRAS=cuda13,data`.
ARG EXTRAS=cuda12,data

RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends make git \
 && rm -rf /var/lib/apt/lists/*
COPY . /jaxperf
WORKDIR /jaxperf
RUN pip install --no-cache-dir ".[${EXTRAS}]"
# No shell in between: signals reach the trial, which saves its state.
ENTRYPOINT ["jaxperf"]
CMD ["--help"]
