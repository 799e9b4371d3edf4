# Fanfare in an image of its own:
#     docker build -t fanfare .
#     docker run -p 127.0.0.1:3000:3000 -e FANFARE_PUBLISH_KEY=secret fanfare
# In the image it listens on 0.0.0.0, so without FANFARE_PUBLISH_KEY the server refuses to start. docs/guide/deploy.md has more.
# Every setting but limits is a variable (docs/settings.md). Memory follows from that of the container. FANFARE_JOURNAL=/var/lib/fanfare keeps events in the volume.

# Both stages are Alpine of one version. The program is linked with musl and needs no library of the image.
FROM rust:1.95-alpine3.22 AS build
# The C code of dependencies is compiled here.
RUN apk add --no-cache musl-dev
WORKDIR /fanfare
COPY Cargo.toml Cargo.lock ./
COPY crates crates
# No part of the server, but members of the workspace: cargo reads their manifests.
COPY benches benches
COPY loadtest loadtest
RUN cargo build --locked --profile dist -p fanfare

FROM alpine:3.22
# A `rediss://` address is checked against the system's certificates.
RUN apk add --no-cache ca-certificates-bundle \
 && adduser -D -H -u 10001 -s /sbin/nologin fanfare \
 && install -d -m 0700 -o fanfare -g fanfare /var/lib/fanfare
COPY --from=build /fanfare/target/dist/fanfare /usr/local/bin/fanfare
# By number: Kubernetes can see that it is not root.
USER 10001:10001
ENV FANFARE_LISTEN=0.0.0.0:3000
EXPOSE 3000
VOLUME /var/lib/fanfare
# With another FANFARE_LISTEN, give `docker run --health-cmd` too. Kubernetes ignores this line and has probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/healthz"]
# The one process, so that `docker stop` is its SIGTERM and it drains.
ENTRYPOINT ["fanfare"]
CMD ["serve"]
