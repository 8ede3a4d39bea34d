# syntax=docker/dockerfile:1
# The image of `seac serve` and `seac app`: CPU build of torch, another user than root, read-only root file system.
# docs/container.md says how it is built, started and checked.

FROM python:3.11-slim-bookworm AS build
# Where pip finds the CPU build of torch; empty takes the default build, which brings the libraries of CUDA.
ARG TORCH_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/seac
ENV PATH=/opt/seac/bin:$PATH
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE NOTICE CHANGELOG.md ./
RUN grep -E '^(torch|torchvision)==' requirements.lock > torch.txt \
    && pip install --no-deps ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} -r torch.txt
COPY src ./src
COPY demo/clip.mp4 demo/LICENCE.md ./demo/
# The lock pins all other packages; those of CUDA are not installed, as nothing of a CPU build needs them.
RUN grep -vE '^(torch|torchvision|triton|nvidia|cuda)' requirements.lock > constraints.txt \
    && pip install -c constraints.txt '.[serve]' \
    && python -m compileall -q /opt/seac

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="seac" \
      org.opencontainers.image.description="The pixels of what you hear: segment, associate, classify." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 seac \
    && useradd --uid 10001 --gid seac --no-create-home --home-dir /data --shell /usr/sbin/nologin seac \
    && install -d -o seac -g seac -m 0700 /data
COPY --from=build /opt/seac /opt/seac
ENV PATH=/opt/seac/bin:$PATH \
    HOME=/data \
    XDG_CACHE_HOME=/data/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/v1/health', timeout=8)"]
ENTRYPOINT ["seac"]
CMD ["serve", "--host", "0.0.0.0", "-o", "/data/serve"]
