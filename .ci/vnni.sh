# shellcheck shell=bash disable=SC2154
# The kernels for processors that few machines have: a step of .ci/run, which sources this file after .ci/pi.sh and .ci/arm.sh.

# The kernels' tests on an emulated processor with AVX-512 VNNI. It lacks AVX-VNNI, whose kernel is tried there in AVX-512's encoding,
# and here in its own where this machine's processor has it.
kernels_emulated() {
  local program code=0
  pi_install bochs bochs bochs-term bochsbios
  pi_install xorriso xorriso
  pi_install cpio cpio
  [[ -e /usr/lib/ISOLINUX/isolinux.bin ]] || install isolinux syslinux-common
  program=$(cargo test --release -p emotion-models --lib --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  if grep -qw avx_vnni /proc/cpuinfo; then
    "$program" kernels --test-threads=1 --nocapture | tee "$scratch/avxvnni"
    kernels_said "$scratch/avxvnni" 'avxvnni int8'
  else
    skip "AVX-VNNI in its own encoding: this machine's processor lacks it"
  fi
  MOODLIGHT_VNNI=$CARGO_TARGET_DIR/vnni tests/vnni/run "$program" kernels fused --test-threads=1 --nocapture \
    > >(tee "$scratch/vnni") 2> >(tee "$scratch/vnni-errors" >&2) || code=$?
  if ((code == 77)); then
    skip "the kernels on an emulated processor: $(tail -n 1 "$scratch/vnni-errors")"
    return 0
  fi
  ((code == 0)) || return "$code"
  kernels_said "$scratch/vnni" 'avx2 f32' 'avx2 int8' 'avx512 f32' 'avx512vnni int8' 'avx512vl int8'
}
