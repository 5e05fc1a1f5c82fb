# shellcheck shell=bash disable=SC2154
# The emulated Raspberry Pi and the instruction counts: steps of .ci/run, which sources this file after .ci/pi.sh.

# pi_emulated [--short]: the shipped runtime on an emulated Pi. The whole of it also needs a build that panics when told to.
pi_emulated() {
  local programs=$CARGO_TARGET_DIR/pi/aarch64-unknown-linux-gnu/device code=0 arguments reason
  if [[ ! -x $programs/edge-runtime ]]; then
    skip 'the emulated Raspberry Pi: there is no runtime for it, see above'
    return 0
  fi
  pi_install qemu-system-aarch64 qemu-system-arm
  pi_install depmod kmod
  pi_install cpio cpio
  pi_install fdtput device-tree-compiler
  pi_install make make
  arguments=(--runtime "$programs/edge-runtime" "$@")
  # What draws the pictures was built with the tests.
  [[ ! -x $CARGO_TARGET_DIR/debug/examples/frame ]] || arguments+=(--frame "$CARGO_TARGET_DIR/debug/examples/frame")
  if [[ ${1:-} != --short ]]; then
    pi_build_more --features test-panic --example edge-runtime-panics
    arguments+=(--panicking "$programs/examples/edge-runtime-panics")
    # What tells the two apart must be there to be found.
    pi_panics "$programs/examples/edge-runtime-panics" || { echo 'pi_panics knows no program that panics' >&2; return 1; }
  fi
  tests/pi/run "${arguments[@]}" > >(tee "$scratch/pi-said") 2> >(tee "$scratch/pi-errors" >&2) || code=$?
  if ((code == 77)); then
    skip "the emulated Raspberry Pi: $(tail -n 1 "$scratch/pi-errors")"
    return 0
  fi
  while read -r reason; do
    skip "$reason"
  done < <(sed -n 's/^skipped: //p' "$scratch/pi-said")
  return "$code"
}

# Instructions per frame and stage, printed as a table.
pi_instructions() {
  local program=$CARGO_TARGET_DIR/pi/aarch64-unknown-linux-gnu/device/examples/stages code=0
  if [[ ! -x $CARGO_TARGET_DIR/pi/aarch64-unknown-linux-gnu/device/edge-runtime ]]; then
    skip 'instruction counts: there is no runtime for the Pi, see above'
    return 0
  fi
  pi_build_more --example stages
  tests/pi/instructions "$program" 2> >(tee "$scratch/pi-errors" >&2) || code=$?
  if ((code == 77)); then
    skip "instruction counts: $(tail -n 1 "$scratch/pi-errors")"
    return 0
  fi
  return "$code"
}

# pi_build_more CARGO_ARGUMENTS...: builds something else of the runtime for the Pi, as the runtime itself is built.
pi_build_more() {
  local settings=() arguments=() reason
  if ! pi_toolchain aarch64-unknown-linux-gnu; then
    echo "$reason" >&2
    return 1
  fi
  env "CARGO_TARGET_DIR=$CARGO_TARGET_DIR/pi" "${settings[@]}" \
    cargo build --profile device --package edge-runtime --target aarch64-unknown-linux-gnu "${arguments[@]}" "$@"
}
