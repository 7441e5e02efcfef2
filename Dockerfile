# The image of Atelier: one static binary, nothing else. Build it for this machine:
#   docker build -t atelier --build-arg VERSION=$(git describe --tags --always) --build-arg COMMIT=$(git rev-parse HEAD) .
# and for others: docker buildx build --platform linux/amd64,linux/arm64 …
# The builder runs on the machine that builds and compiles for the target, so no emulation is needed.
ARG BUILDER=golang:1.26
FROM --platform=$BUILDPLATFORM ${BUILDER} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG COMMIT=unknown
# Neither paths of the builder nor a build id end up in the binary: the same source gives the same bytes.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -tags cloud -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$VERSION -X main.commit=$COMMIT" -o /atelier ./cmd/atelier
# What a program needs beside itself: certificates, time zones, and two folders that it may write to.
RUN mkdir -p /root-fs/var/lib/atelier /root-fs/tmp && chmod 1777 /root-fs/tmp && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /zoneinfo.zip

FROM scratch
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="Atelier" \
      org.opencontainers.image.source="https://github.com/atelier-bridge/atelier" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /zoneinfo.zip /usr/share/zoneinfo.zip
COPY --from=build --chown=65532:65532 /root-fs/ /
COPY --from=build /atelier /atelier
ENV ZONEINFO=/usr/share/zoneinfo.zip HOME=/var/lib/atelier
# Numeric, so that Kubernetes can see that it is not root.
USER 65532:65532
VOLUME ["/var/lib/atelier"]
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/atelier"]
CMD ["serve"]
