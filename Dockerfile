# frontdesk alone: the service and its tools, without the stand-ins. Build: docker build -t frontdesk .
FROM python:3.12.11-slim-bookworm AS dependencies
COPY requirements-serve.lock /tmp/requirements-serve.lock
# Every distribution is pinned by version and hash, so the same lock gives the same image content.
RUN python -m venv /opt/frontdesk \
 && /opt/frontdesk/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
      -r /tmp/requirements-serve.lock

FROM python:3.12.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin frontdesk
COPY --from=dependencies /opt/frontdesk /opt/frontdesk
COPY backend/frontdesk /app/backend/frontdesk
COPY hasura /app/hasura
COPY actions /app/actions
ENV PATH=/opt/frontdesk/bin:$PATH \
    PYTHONPATH=/app/backend \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FRONTDESK_SERVER_HOST=0.0.0.0
WORKDIR /app
USER 10001
EXPOSE 8500
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8500/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "frontdesk"]
CMD ["serve"]
