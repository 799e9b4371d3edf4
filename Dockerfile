# Fanfare in an image of its own:
#     docker build -t fanfare .
#     docker run -p 127.0.0.1:3000:3000 -e FANFARE_PUBLISH_KEY=secret fanfare
# In the image it listens on 0.0.0.0, so without FANFARE_PUBLISH_KEY the server refuses to start. docs/guide/deploy.md has more.
# Every setting but limits is a variable (docs/settings.md). Memory follows from that of the container. FANFARE_JOURNAL=/var/lib/fanfare keeps events in the volume.

# Both stages are bookworm: a program needs the C library that it was linked with.
FROM rust:1.95-bookworm AS build
WORKDIR /fanfare
COPY Cargo.toml Cargo.lock ./
COPY crates crates
# No part of the server, but members of the workspace: cargo reads their manifests.
COPY benches benches
COPY loadtest loadtest
RUN cargo build --locked --profile dist -p fanfare

FROM debian:bookworm-slim
# A `rediss://` address is checked against the system's certificates.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fanfare \
 && install -d -m 0700 -o fanfare -g fanfare /var/lib/fanfare
COPY --from=build /fanfare/target/dist/fanfare /usr/local/bin/fanfare
# By number: Kubernetes can see that it is not root.
USER 10001:10001
ENV FANFARE_LISTEN=0.0.0.0:3000
EXPOSE 3000
VOLUME /var/lib/fanfare
# The one process, so that `docker stop` is its SIGTERM and it drains.
ENTRYPOINT ["fanfare"]
CMD ["serve"]
