# shellcheck shell=bash
# Base images of the runtimes: the official ones where they can be had, else made of Debian packages.
# Sourced by setup.sh.

# A slim image is some 50 MB; without internet the pull fails at once.
PULL_SECONDS=180

# Chooses (pulls, makes) all images, at the same time, and exports their names for the node.
setup_images() {
  setup_docker || return 1
  local python nodejs binary status=0
  mkdir -p "$RUN_DIR"
  choose_image python "${SERVERLEDGE_RUNTIMES_PYTHON_IMAGE:-}" python:3-slim "python3" &
  local first=$!
  choose_image nodejs "${SERVERLEDGE_RUNTIMES_NODEJS_IMAGE:-}" node:22-slim "nodejs" &
  local second=$!
  choose_image binary "${SERVERLEDGE_RUNTIMES_BINARY_IMAGE:-}" debian:stable-slim "sed,grep,mawk,findutils,gzip,tar,util-linux" &
  wait "$first" || status=1
  wait "$second" || status=1
  wait $! || status=1
  [ "$status" = 0 ] || return 1
  python="$(cat "$RUN_DIR/image.python")"
  nodejs="$(cat "$RUN_DIR/image.nodejs")"
  binary="$(cat "$RUN_DIR/image.binary")"
  export SERVERLEDGE_RUNTIMES_PYTHON_IMAGE="$python" SERVERLEDGE_RUNTIMES_NODEJS_IMAGE="$nodejs"
  export SERVERLEDGE_RUNTIMES_BINARY_IMAGE="$binary"
  say "image for python: $python, for nodejs: $nodejs, for binary: $binary"
}

# Changes with what make_image does, so that images of an older recipe are made again.
IMAGE_RECIPE=2

# image_usable IMAGE OWN: it is there, and not an image of ours of an older recipe.
image_usable() {
  local recipe
  recipe="$(docker image inspect --format '{{index .Config.Labels "serverledge.recipe"}}' "$1" 2>/dev/null)" || return 1
  [ "$1" != "$2" ] || [ "$recipe" = "$IMAGE_RECIPE" ]
}

# choose_image RUNTIME WANTED OFFICIAL PACKAGE: leaves the name of an image in .tools/run.
choose_image() {
  local runtime=$1 wanted=$2 official=$3 package=$4
  local own="serverledge/$runtime-debian:local" image
  for image in "$wanted" "$official" "$own"; do
    [ -n "$image" ] && image_usable "$image" "$own" && break
    image=""
  done
  if [ -z "$image" ]; then
    say "pulling $official"
    if timeout "$PULL_SECONDS" docker pull -q "$official" >"$RUN_DIR/pull.$runtime.log" 2>&1; then
      image="$official"
    else
      say "$official cannot be pulled: making $own of Debian packages"
      make_image "$runtime" "$package" "$own" || return 1
      image="$own"
    fi
  fi
  printf '%s\n' "$image" >"$RUN_DIR/image.$runtime"
}

# debian_sources: installs mmdebstrap, and sets suite and sources of the packages for it.
debian_sources() {
  suite=bookworm sources=()
  (flock 9 && need mmdebstrap mmdebstrap) 9>"$RUN_DIR/apt.lock" || return 1
  # shellcheck disable=SC1091
  if [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
    suite="$(. /etc/os-release && echo "$VERSION_CODENAME")"
    # The host's own package sources are the ones that are known to be in reach.
    if [ -s /etc/apt/sources.list.d/debian.sources ]; then
      sources=(/etc/apt/sources.list.d/debian.sources)
    elif [ -s /etc/apt/sources.list ]; then
      sources=(/etc/apt/sources.list)
    fi
  fi
}

# make_systemd_root FOLDER: a root file system with systemd, which appears whole or not at all.
make_systemd_root() {
  local folder=$1 suite sources
  [ -d "$folder" ] && return 0
  mkdir -p "$RUN_DIR"
  debian_sources || return 1
  as_root rm -rf "$folder.new"
  if ! as_root mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus \
    "$suite" "$folder.new" "${sources[@]}" >"$RUN_DIR/mmdebstrap.systemd.log" 2>&1; then
    tail -n 5 "$RUN_DIR/mmdebstrap.systemd.log" >&2
    fail "cannot make a root file system with systemd: see $RUN_DIR/mmdebstrap.systemd.log"
    return 1
  fi
  as_root mv "$folder.new" "$folder"
}

# make_image RUNTIME PACKAGE NAME: a root file system by mmdebstrap, imported as an image.
make_image() {
  local runtime=$1 package=$2 name=$3 suite sources hooks=() tar
  debian_sources || return 1
  # Variant extract runs no maintainer scripts: neither the one that names the users, nor below.
  # shellcheck disable=SC2016
  hooks=(--extract-hook='for list in passwd group; do cp "$1/usr/share/base-passwd/$list.master" "$1/etc/$list"; done')
  if [ "$runtime" = python ]; then
    # The standard library comes without the byte code that Debian's own script makes; each start of
    # a container would compile it again.
    # shellcheck disable=SC2016
    hooks+=(--extract-hook='chroot "$1" sh -c "python3 -m compileall -q /usr/lib/python3*"')
  fi
  tar="$RUN_DIR/$runtime.tar"
  if ! as_root mmdebstrap --variant=extract \
    --include="$package,dash,base-files,base-passwd,coreutils,ca-certificates" "${hooks[@]}" \
    "$suite" "$tar" "${sources[@]}" >"$RUN_DIR/mmdebstrap.$runtime.log" 2>&1; then
    tail -n 5 "$RUN_DIR/mmdebstrap.$runtime.log" >&2
    fail "cannot make an image of Debian packages: see $RUN_DIR/mmdebstrap.$runtime.log"
    return 1
  fi
  docker import --change "LABEL serverledge.recipe=$IMAGE_RECIPE" --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    "$tar" "$name" >/dev/null || return 1
  as_root rm -f "$tar"
}
