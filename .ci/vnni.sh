# shellcheck shell=bash disable=SC2154
# The kernels for processors that few machines have: a step of .ci/run, which sources this file after .ci/pi.sh.

# The kernels' tests on an emulated processor with AVX-512 VNNI. Each kernel says that it was checked: a test passes where the
# processor lacks the instructions, too.
kernels_emulated() {
  local program code=0 kernel
  pi_install bochs bochs bochs-term bochsbios
  pi_install xorriso xorriso
  pi_install cpio cpio
  [[ -e /usr/lib/ISOLINUX/isolinux.bin ]] || install isolinux syslinux-common
  program=$(cargo test --release -p emotion-models --lib --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
  MOODLIGHT_VNNI=$CARGO_TARGET_DIR/vnni tests/vnni/run "$program" kernels fused --test-threads=1 --nocapture \
    > >(tee "$scratch/vnni") 2> >(tee "$scratch/vnni-errors" >&2) || code=$?
  if ((code == 77)); then
    skip "the kernels on an emulated processor: $(tail -n 1 "$scratch/vnni-errors")"
    return 0
  fi
  ((code == 0)) || return "$code"
  for kernel in 'avx512 f32' 'avx512vnni int8' 'avxvnni int8'; do
    grep -q "$kernel.*: checked" "$scratch/vnni" || { echo "$kernel did not run there" >&2; return 1; }
  done
}
