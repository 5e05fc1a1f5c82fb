# shellcheck shell=bash disable=SC2154
# What needs a nightly compiler: the kernels under AddressSanitizer, and the model loader under a fuzzer. Steps of .ci/run, which
# sources this file.

# Seconds of fuzzing, and what the loader may take: memory in MiB, seconds for one file.
fuzz_seconds=${FUZZ_SECONDS:-120}
fuzz_memory=2048
fuzz_patience=20

# Sets `reason` where no nightly compiler can be had.
nightly() {
  if ! command -v rustup >/dev/null; then
    reason='no rustup, and so no nightly compiler'
    return 1
  fi
  if ! rustc +nightly --version >/dev/null 2>&1 &&
    ! rustup toolchain install nightly --profile minimal --no-self-update >"$scratch/nightly.log" 2>&1; then
    reason="rustup: $(tail -n 1 "$scratch/nightly.log")"
    return 1
  fi
  rustc +nightly --version
}

# Every kernel of this processor, and the operators made of them, with each access to memory checked.
kernels_checked() {
  local reason host
  if ! nightly; then
    skip "the kernels under AddressSanitizer: $reason"
    return 0
  fi
  host=$(rustc -vV | sed -n 's/^host: //p')
  # Checked code needs deeper stacks than a test's thread has. What tract keeps to the end is no leak of ours.
  RUSTFLAGS=-Zsanitizer=address RUST_MIN_STACK=16777216 ASAN_OPTIONS=detect_leaks=0 CARGO_TARGET_DIR=$CARGO_TARGET_DIR/asan \
    cargo +nightly test --release -p emotion-models --lib --target "$host" -- kernels fused
}

# Files that nearly are models, for some minutes.
fuzz_loader() {
  local reason tool=$CARGO_TARGET_DIR/fuzz
  if ! nightly; then
    skip "fuzzing the model loader: $reason"
    return 0
  fi
  PATH=$PATH:$tool/bin
  command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --version 0.13.2 --root "$tool" cargo-fuzz
  mkdir -p "$tool/corpus"
  cargo +nightly fuzz run --target-dir "$tool/target" model_loader "$tool/corpus" fuzz/seeds -- \
    -max_total_time="$fuzz_seconds" -rss_limit_mb=$fuzz_memory -malloc_limit_mb=$fuzz_memory -timeout=$fuzz_patience \
    -max_len=65536 -print_final_stats=1
}
