# `make image-root` does the same without a container engine, and the tests run what it makes.
FROM rust:1.95-trixie AS build
WORKDIR /build
COPY . .
RUN scripts/setup image && scripts/image-root /image

FROM scratch
COPY --from=build /image /
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 9001 9002 9090
ENTRYPOINT ["/portvakt"]
CMD ["serve"]
