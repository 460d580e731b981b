# syntax=docker/dockerfile:1
# One image per binary: docker build --build-arg PACKAGE=users|orders|inventory|braid .
FROM node:22-slim AS playground
WORKDIR /src/router/playground
COPY router/playground/package.json router/playground/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY router/playground ./
RUN npm run build

FROM rust:1.95-slim AS build
WORKDIR /src
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
COPY . .
COPY --from=playground /src/router/playground/dist router/playground/dist
ARG PACKAGE
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --package "$PACKAGE" && cp "target/dist/$PACKAGE" /usr/local/bin/server

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates wget && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 braid
ARG PACKAGE
# The port is the binary's own default; compose sets LISTEN to the same.
RUN case "$PACKAGE" in users) port=4001 ;; orders) port=4002 ;; inventory) port=4003 ;; *) port=4000 ;; esac \
    && printf '#!/bin/sh\nexec wget --quiet --output-document=- http://127.0.0.1:%s/health\n' "$port" > /usr/local/bin/healthcheck \
    && chmod +x /usr/local/bin/healthcheck
COPY --from=build /usr/local/bin/server /usr/local/bin/server
USER braid
ENTRYPOINT ["/usr/local/bin/server"]
