# Retail Pulse as an image for linux/amd64 and linux/arm64. Every package is a wheel with a locked hash: nothing is
# compiled, so that either platform builds on the other.
#
#   docker build -t retailpulse .
#   docker buildx build --platform linux/amd64,linux/arm64 -t registry.example/retailpulse --push .

ARG PYTHON_IMAGE=python:3.13-slim-bookworm@sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb

# The wheel is the same for every platform.
FROM --platform=$BUILDPLATFORM ${PYTHON_IMAGE} AS wheel
WORKDIR /build
COPY requirements-build.lock ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
    --require-hashes --only-binary :all: --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check \
    --no-deps --no-build-isolation --wheel-dir /dist .

# Without pip in it: nothing is to be installed where it runs. Of bytecode there is only what is ever loaded, of
# packages only what the service can ever read.
FROM ${PYTHON_IMAGE} AS environment
WORKDIR /build
COPY requirements.lock tools/trim.py ./
RUN python -m venv --without-pip /opt/retailpulse \
    && python -m pip --python /opt/retailpulse/bin/python install --no-cache-dir --disable-pip-version-check \
    --no-compile --require-hashes --only-binary :all: --requirement requirements.lock \
    && python trim.py /opt/retailpulse
COPY --from=wheel /dist /dist
RUN python -m pip --python /opt/retailpulse/bin/python install --no-cache-dir --disable-pip-version-check \
    --no-deps --no-index /dist/*.whl \
    && /opt/retailpulse/bin/python -c "import alembic.command, arro3.io, sqlalchemy.dialects.postgresql.psycopg, \
    retailpulse.bootstrap.api, retailpulse.bootstrap.worker, retailpulse.cli.demo_run, retailpulse.supervisor.serve"

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Retail Pulse" \
      org.opencontainers.image.description="Turns store-visit photos into facts" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"

# tini reaps what a killed worker leaves behind, which the first process of a container inherits. The user has a
# name, as PostgreSQL will not run without one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/retailpulse --shell /usr/sbin/nologin retailpulse \
    && install --directory --owner=retailpulse --group=retailpulse --mode=0750 /var/lib/retailpulse

COPY --from=environment /opt/retailpulse /opt/retailpulse
ENV PATH=/opt/retailpulse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RETAILPULSE_API_HOST=0.0.0.0 \
    RETAILPULSE_DATABASE_DATA_DIR=/var/lib/retailpulse

USER 10001:10001
WORKDIR /var/lib/retailpulse
VOLUME ["/var/lib/retailpulse"]
EXPOSE 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["retailpulse", "health"]
ENTRYPOINT ["tini", "--", "retailpulse"]
CMD ["serve"]
