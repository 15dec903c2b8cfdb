# One image for every callstreams process; which one is the command's first word.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/callstreams
ENV PATH=/opt/callstreams/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/ requirements/
RUN pip install --require-hashes -r requirements/runtime.lock
# The build backend too comes by its hash; it stays in this stage.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements/dev.lock > /tmp/backend.lock \
 && pip install --require-hashes --target /tmp/backend -r /tmp/backend.lock
COPY pyproject.toml README.md ./
COPY schemas/ schemas/
COPY connectors/ connectors/
COPY streams/ streams/
RUN PYTHONPATH=/tmp/backend pip install --no-deps --no-build-isolation . \
 && python -m compileall -q /opt/callstreams

FROM python:3.11-slim
COPY --from=build /opt/callstreams /opt/callstreams
# A volume that is mounted on the folder is made with its owner.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin callstreams \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/callstreams
ENV PATH=/opt/callstreams/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["callstreams"]
CMD ["--help"]
