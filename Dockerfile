# syntax=docker/dockerfile:1
# One image for each program: docker build --target router|users|orders|inventory .
# All four are compiled once, together. They are linked statically and run without a system: no shell, no packages.

# The SBOM of buildx (--sbom=true) lists what the lock files name; an image of one file says nothing about its parts.
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true

FROM node:22-slim AS playground
WORKDIR /src/router/playground
COPY router/playground/package.json router/playground/package-lock.json router/playground/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY router/playground ./
RUN npm run build

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
COPY --from=playground /src/router/playground/dist router/playground/dist
# A router that runs WebAssembly hooks, which makes it larger: --build-arg FEATURES=braid/wasm
ARG FEATURES=
# Only with --target do flags spare build scripts and procedural macros, which can't be static. lld, which links on x86-64, packs the addresses that
# are filled in when a program starts.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    set -eu; \
    host="$(rustc -vV | sed -n 's/^host: //p')"; \
    export RUSTFLAGS="-C target-feature=+crt-static"; \
    case "$host" in x86_64-*) RUSTFLAGS="$RUSTFLAGS -C link-arg=-Wl,-z,pack-relative-relocs" ;; esac; \
    cargo build --profile dist --locked --target "$host" -p braid -p users -p orders -p inventory --features "$FEATURES"; \
    for program in braid users orders inventory; do \
        mkdir -p "/programs/$program/usr/local/bin"; \
        cp "target/$host/dist/$program" "/programs/$program/usr/local/bin/"; \
    done
# What a program needs of a system: authorities, names, and a place to write that a volume can be mounted on.
RUN set -eu; \
    mkdir -p /system/etc/ssl/certs /system/etc/braid /system/tmp /system/usr/share/doc/braid /state/braid; \
    cp /etc/ssl/certs/ca-certificates.crt /system/etc/ssl/certs/; \
    echo 'hosts: files dns' > /system/etc/nsswitch.conf; \
    echo 'braid:x:65532:65532:braid:/var/lib/braid:/sbin/nologin' > /system/etc/passwd; \
    echo 'braid:x:65532:' > /system/etc/group; \
    cp LICENSE-MIT LICENSE-APACHE /system/usr/share/doc/braid/; \
    chmod 1777 /system/tmp

FROM scratch AS system
COPY --from=build /system /
COPY --from=build --chown=65532:65532 /state /var/lib
ENV PATH=/usr/local/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /var/lib/braid
USER 65532:65532
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.source="https://github.com/braid-graphql/braid" \
      org.opencontainers.image.documentation="https://github.com/braid-graphql/braid/blob/main/docs/deployment.md" \
      org.opencontainers.image.vendor="The Braid authors" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

FROM system AS users
COPY --from=build /programs/users /
ENV LISTEN=0.0.0.0:4001 LOG=json
EXPOSE 4001
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/users", "health"]
ENTRYPOINT ["/usr/local/bin/users"]
LABEL org.opencontainers.image.title="Braid sample shop: users" \
      org.opencontainers.image.description="Accounts and sessions of the sample shop, a GraphQL subgraph"

FROM system AS orders
COPY --from=build /programs/orders /
ENV LISTEN=0.0.0.0:4002 LOG=json
EXPOSE 4002
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/orders", "health"]
ENTRYPOINT ["/usr/local/bin/orders"]
LABEL org.opencontainers.image.title="Braid sample shop: orders" \
      org.opencontainers.image.description="Orders and payments of the sample shop, a GraphQL subgraph"

FROM system AS inventory
COPY --from=build /programs/inventory /
ENV LISTEN=0.0.0.0:4003 LOG=json
EXPOSE 4003
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/inventory", "health"]
ENTRYPOINT ["/usr/local/bin/inventory"]
LABEL org.opencontainers.image.title="Braid sample shop: inventory" \
      org.opencontainers.image.description="Products and stock of the sample shop, a GraphQL subgraph"

# Last, so that it is what `docker build .` makes.
FROM system AS router
COPY --from=build /programs/braid /
ENV BRAID_LISTEN=0.0.0.0:4000
EXPOSE 4000
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/braid", "health"]
ENTRYPOINT ["/usr/local/bin/braid"]
CMD ["serve", "--config", "/etc/braid/router.yaml"]
LABEL org.opencontainers.image.title="Braid" \
      org.opencontainers.image.description="GraphQL federation router, schema composer and schema checker"
