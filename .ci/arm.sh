# shellcheck shell=bash disable=SC2154
# The kernels for AArch64: a step of .ci/run, which sources this file after .ci/pi.sh.

# kernels_said FILE KERNEL...: fails unless each kernel's test says in FILE that it ran. A test passes where the processor lacks the
# instructions, too.
kernels_said() {
  local kernel
  for kernel in "${@:2}"; do
    grep -q "$kernel: checked" "$1" || { echo "the kernel $kernel did not run there" >&2; return 1; }
  done
}

# The kernels' tests, and those of the operators made of them, on emulated processors: one of a Pi 3 or 4, which has no dot product,
# and one with all that AArch64 has. Under the first the dot product must be left alone.
kernels_arm() {
  local target=aarch64-unknown-linux-gnu settings=() arguments=() program reason
  pi_install aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  pi_install qemu-aarch64-static qemu-user-static
  if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64-static >/dev/null; then
    skip 'the kernels for AArch64: no cross compiler or no emulator (Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)'
    return 0
  fi
  if ! pi_toolchain $target; then
    skip "the kernels for AArch64: $reason"
    return 0
  fi
  program=$(env "CARGO_TARGET_DIR=$CARGO_TARGET_DIR/pi" "${settings[@]}" \
    cargo test --release --package emotion-models --lib --no-run --target $target "${arguments[@]}" --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  kernels_emulated_arm cortex-a72 "$program"
  kernels_said "$scratch/arm-cortex-a72" 'neon f32' 'neon int8'
  if grep 'neon dotprod int8: checked' "$scratch/arm-cortex-a72"; then
    echo 'a Cortex-A72 has no dot product' >&2
    return 1
  fi
  kernels_emulated_arm max "$program"
  kernels_said "$scratch/arm-max" 'neon f32' 'neon int8' 'neon dotprod int8'
}

# kernels_emulated_arm PROCESSOR PROGRAM: what the tests say also stands in $scratch/arm-PROCESSOR.
kernels_emulated_arm() {
  echo "-- on $1"
  qemu-aarch64-static -cpu "$1" -L /usr/aarch64-linux-gnu "$2" kernels fused --test-threads=1 --nocapture \
    2>&1 | tee "$scratch/arm-$1"
}
