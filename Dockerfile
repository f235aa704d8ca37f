# The command and the sandbox, for where there is no Python. The container runs as a user without rights:
#   docker build -t ses-tenant .
#   docker run --rm -e AWS_PROFILE -v ~/.aws:/home/ses-tenant/.aws:ro ses-tenant list
#   docker run --rm -p 8080:8080 -p 2587:2587 -p 2465:2465 ses-tenant \
#     sandbox --host 0.0.0.0 --port 8080 --smtp-port 2587 --smtps-port 2465
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY docs/share docs/share
COPY ses_tenant ses_tenant
ARG PREFIX=/opt/ses-tenant
RUN python3 -m venv --without-pip "$PREFIX" \
 && python3 -m pip --python "$PREFIX/bin/python" install --no-cache-dir -c constraints.txt '.[sandbox]'

FROM python:3.13-slim
RUN useradd --system --create-home --uid 10001 ses-tenant
COPY --from=build /opt/ses-tenant /opt/ses-tenant
ENV PATH=/opt/ses-tenant/bin:$PATH
USER 10001
WORKDIR /work
ENTRYPOINT ["ses-tenant"]
CMD ["--help"]
