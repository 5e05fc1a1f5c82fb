# shellcheck shell=bash disable=SC2154
# The Debian package: a step of .ci/run, which sources this file. It packs the program that pi_build leaves behind.

debian_package() {
  local target=aarch64-unknown-linux-gnu package=$CARGO_TARGET_DIR/debian/moodlight.deb reason
  if [[ ! -x $CARGO_TARGET_DIR/pi/$target/device/edge-runtime ]]; then
    skip 'the Debian package: no program for the Raspberry Pi was built'
    return 0
  fi
  for tool in debootstrap lintian qemu-aarch64-static; do
    command -v "$tool" >/dev/null || install "${tool/qemu-aarch64-static/qemu-user-static}"
  done
  if ! command -v cargo-deb >/dev/null; then
    cargo install --quiet --locked --version 3.8.0 --root "$CARGO_TARGET_DIR/tools" cargo-deb
    PATH=$PATH:$CARGO_TARGET_DIR/tools/bin
  fi
  mkdir -p "${package%/*}"
  env "CARGO_TARGET_DIR=$CARGO_TARGET_DIR/pi" cargo deb -p edge-runtime --target "$target" --no-build --output "$package"
  edge-runtime/debian/check "$package" 2>&1 | tee "$scratch/package.log"
  while read -r reason; do
    skip "$reason"
  done < <(sed -n 's/^skipped: //p' "$scratch/package.log")
}
