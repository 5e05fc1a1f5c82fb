# shellcheck shell=bash disable=SC2154
# Builds for the Raspberry Pi: steps of .ci/run, which sources this file.
#
# Programs lie in $CARGO_TARGET_DIR/pi/TARGET/device/edge-runtime afterwards.

# What a program for the Pi may be at most: bytes, the model included, and glibc's version on Raspberry Pi OS bookworm.
pi_bytes=12000000
pi_glibc=2.36

# pi_build aarch64|armv7: builds, measures and runs the runtime; skips with the reason where the tools cannot be had.
pi_build() {
  local target gcc libc emulator arguments=() settings=() program reason
  case $1 in
    aarch64)
      target=aarch64-unknown-linux-gnu gcc=aarch64-linux-gnu-gcc libc=libc6-dev-arm64-cross
      emulator='qemu-aarch64-static -cpu cortex-a72 -L /usr/aarch64-linux-gnu'
      ;;
    armv7)
      target=armv7-unknown-linux-gnueabihf gcc=arm-linux-gnueabihf-gcc libc=libc6-dev-armhf-cross
      emulator='qemu-arm-static -cpu cortex-a7 -L /usr/arm-linux-gnueabihf'
      ;;
  esac
  # Names of Debian's packages.
  pi_install "$gcc" "gcc-${gcc%-gcc}" "$libc"
  pi_install "${emulator%% *}" qemu-user-static
  pi_install readelf binutils
  if ! command -v "$gcc" >/dev/null || ! libclang; then
    skip "cross build for $target: no $gcc or no libclang (Debian: apt-get install gcc-${gcc%-gcc} $libc libclang-dev)"
    return 0
  fi
  if ! pi_toolchain "$target"; then
    skip "cross build for $target: $reason"
    return 0
  fi
  env "CARGO_TARGET_DIR=$CARGO_TARGET_DIR/pi" "${settings[@]}" \
    cargo build --profile device --package edge-runtime --target "$target" "${arguments[@]}"
  program=$CARGO_TARGET_DIR/pi/$target/device/edge-runtime
  pi_measure "$program"
  if ! command -v "${emulator%% *}" >/dev/null; then
    skip "running the program for $target: no ${emulator%% *} (Debian: apt-get install qemu-user-static)"
    return 0
  fi
  # shellcheck disable=SC2086 # the emulator's flags are words of their own
  pi_moods $emulator "$program"
}

# pi_install COMMAND PACKAGE...: installs packages where the command is missing.
pi_install() {
  command -v "$1" >/dev/null || install "${@:2}"
}

# Sets `settings` and `arguments` for a compiler that knows the target, or `reason`. rustup's own library comes first; where
# its server is out of reach, Debian's compiler stands in.
pi_toolchain() {
  local folder=$CARGO_TARGET_DIR/ci-pi-toolchain source=()
  if command -v rustup >/dev/null && rustup target add "$1" >"$scratch/rustup.log" 2>&1; then
    rustc --version
    return 0
  fi
  # Debian's own library for 32-bit Arm belongs to an older compiler; from its source cargo builds one.
  if [[ $1 == armv7-* ]]; then
    source=(--source)
    settings=(RUSTC_BOOTSTRAP=1)
    arguments=("-Zbuild-std=std,panic_unwind")
  fi
  if ! cross/debian-toolchain "$folder" "${source[@]}" >"$scratch/toolchain.log" 2>&1; then
    reason="rustup: $(tail -n 1 "$scratch/rustup.log" 2>/dev/null || echo missing); Debian: $(tail -n 1 "$scratch/toolchain.log")"
    return 1
  fi
  tail -n 1 "$scratch/toolchain.log"
  settings+=("RUSTC=$folder/bin/rustc")
}

# pi_panics PROGRAM: whether it was built with the feature test-panic, whose message names this variable.
pi_panics() {
  grep -q MOODLIGHT_PANIC_AT "$1"
}

# pi_measure PROGRAM: prints its size and the newest glibc it asks for, and fails where either is too much, or where the program
# is the one of the tests that panics when it is told to.
pi_measure() {
  local bytes glibc
  if pi_panics "$1"; then
    echo "$1 was built with the feature test-panic, which is never shipped" >&2
    return 1
  fi
  bytes=$(stat -c %s "$1")
  glibc=$(readelf --version-info --wide "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
  glibc=${glibc#GLIBC_}
  echo "size: $bytes bytes (at most $pi_bytes); glibc: $glibc (at most $pi_glibc)"
  if ((bytes > pi_bytes)); then
    echo "$1 is too large" >&2
    return 1
  fi
  if [[ -z $glibc || $(printf '%s\n' "$glibc" $pi_glibc | sort -V | tail -n 1) != "$pi_glibc" ]]; then
    echo "$1 needs a newer glibc than Raspberry Pi OS bookworm has" >&2
    return 1
  fi
}

# pi_moods EMULATOR... PROGRAM: each of the test card's moods must light its light. The peak of the memory is for information:
# the emulator's own tables and its translated code count in.
pi_moods() {
  local events=$scratch/pi-events
  XDG_CONFIG_HOME="$scratch" timeout 240 "$@" --source test-card --every-frame --fps 4 --frames 30 --json </dev/null >"$events"
  right_lights "$events" 10
  echo "peak memory (RSS), the emulator's own included: $(grep -o '"peak_rss_kib": *[0-9]*' "$events" | grep -o '[0-9]*$') KiB"
}

# `cross build` with the real cross and a Docker engine, as cross/offline does it.
pi_container() {
  local home=$CARGO_TARGET_DIR/cross
  if ! docker info >/dev/null 2>&1; then
    skip 'cross build in a container: no Docker engine answers (start one: dockerd &)'
    return 0
  fi
  if ! command -v cross >/dev/null; then
    cargo install --quiet --locked --version 0.2.5 --root "$home" cross
  fi
  command -v debootstrap >/dev/null || install debootstrap
  PATH=$PATH:$home/bin MOODLIGHT_CROSS=$home CARGO_TARGET_DIR=$home/target cross/offline aarch64-unknown-linux-gnu
  pi_measure "$home/target/aarch64-unknown-linux-gnu/device/edge-runtime"
}
