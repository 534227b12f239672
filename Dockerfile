# Two images from one build:
#
#   docker build -t rr .                      rr with PHP: serves a project mounted at /app
#   docker build --target rr -t rr:binary .   the binary alone, for COPY --from into an image of your own
#
# Needs BuildKit, or buildah from 1.24. Bases are arguments so that a release can pin their digests. Any platform that they
# are there for: --platform linux/arm64.
ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsqlite3-dev libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
# SwiftPM wants the directory of every target that the manifest has.
COPY Tests Tests
# Shown by `rr -v` and given to workers as RR_VERSION; without it what the sources say.
ARG VERSION=
RUN case "${VERSION}" in *[!A-Za-z0-9.+_-]*) echo "VERSION: letters, digits and . + _ - only" >&2; exit 1 ;; esac \
    && if [ -n "${VERSION}" ]; then \
        sed -i "s/\(let current = \)\"[^\"]*\"/\1\"${VERSION}\"/" Sources/Application/Version.swift \
        && grep -qF "\"${VERSION}\"" Sources/Application/Version.swift; \
    fi
# What these options are for is said in the Makefile.
RUN --mount=type=cache,id=rr-swiftpm,target=/root/.cache/org.swift.swiftpm,sharing=locked \
    --mount=type=cache,id=rr-build,target=/src/.build,sharing=locked \
    swift build -c release -Xswiftc -enforce-exclusivity=unchecked --static-swift-stdlib --disable-local-rpath \
        -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xswiftc -Xclang-linker -Xswiftc -static-pie \
        -Xlinker --pack-dyn-relocs=relr -Xlinker -s --product rr \
    && install -D -m 755 .build/release/rr /out/usr/bin/rr


# The binary, and nothing else.
FROM scratch AS rr
COPY --from=build /out /
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="rr" \
    org.opencontainers.image.description="TCP gateway to PHP workers, on RoadRunner's configuration: the binary" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/rr"]
CMD ["serve"]


# The default: with PHP.
FROM ${DEBIAN_IMAGE} AS php
# More of Debian's packages: --build-arg PHP_PACKAGES="php-cli php-mbstring php-redis"
ARG PHP_PACKAGES="php-cli"
# Workers are command line scripts, for which PHP has its opcode cache off. PHP_PACKAGES is not quoted: it is a list.
# hadolint ignore=SC2086
RUN apt-get update \
    && apt-get install -y --no-install-recommends ${PHP_PACKAGES} \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    && for directory in /etc/php/*/cli/conf.d; do echo 'opcache.enable_cli=1' >"${directory}/30-workers.ini" || exit 1; done \
    && groupadd --gid 10001 rr \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin rr \
    && mkdir /etc/rr
COPY --from=build /out/usr/bin/rr /usr/bin/rr
# The example, until a project is mounted over it.
COPY deploy/docker/.rr.yaml /app/.rr.yaml
COPY php /app/php
COPY examples /app/examples
# A mounted /etc/rr/.rr.yaml, or else the project's own; workers start in /app either way.
ENV RR_CONFIG=/etc/rr/.rr.yaml:.rr.yaml
WORKDIR /app
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="rr-php" \
    org.opencontainers.image.description="TCP gateway to PHP workers, on RoadRunner's configuration: with PHP" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
# Of the example: its server, the probes, the metrics. EXPOSE is a note; what is served is what the configuration says.
EXPOSE 7777 2114 2112
STOPSIGNAL SIGTERM
# Asks /ready at status.address; a configuration without one has nobody to ask, and is healthy while rr runs.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["/usr/bin/rr", "health", "--if-configured"]
ENTRYPOINT ["/usr/bin/rr"]
CMD ["serve"]
