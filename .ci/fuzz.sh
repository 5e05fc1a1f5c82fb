# shellcheck shell=bash disable=SC2154
# What needs a nightly compiler, or a stable one that is told to be one: the kernels under AddressSanitizer, and the model loader
# under a fuzzer. Steps of .ci/run, which sources this file.

# Seconds of fuzzing, and what the loader may take: memory in MiB, seconds for one file.
fuzz_seconds=${FUZZ_SECONDS:-120}
fuzz_memory=2048
fuzz_patience=20

# Sets `nightly` to a cargo that takes nightly flags, or `reason` where none can be had. Where no nightly compiler can be fetched, the
# stable one does: rustup's brings the sanitizer's library along.
find_nightly() {
  local library
  if command -v rustup >/dev/null; then
    if rustc +nightly --version 2>/dev/null ||
      { rustup toolchain install nightly --profile minimal --no-self-update >"$scratch/nightly.log" 2>&1 && rustc +nightly --version; }; then
      nightly=(cargo +nightly)
      return 0
    fi
    reason="rustup: $(tail -n 1 "$scratch/nightly.log")"
  else
    reason='no rustup, and so no nightly compiler'
  fi
  library=$(rustc --print target-libdir)/librustc-stable_rt.asan.a
  if [[ ! -e $library ]]; then
    reason+="; this compiler comes without the sanitizer's library"
    return 1
  fi
  echo "$reason; the stable compiler stands in"
  rustc --version
  nightly=(env RUSTC_BOOTSTRAP=1 cargo)
}

# Every kernel of this processor, and the operators made of them, with each access to memory checked.
kernels_checked() {
  local reason host nightly=()
  if ! find_nightly; then
    skip "the kernels under AddressSanitizer: $reason"
    return 0
  fi
  host=$(rustc -vV | sed -n 's/^host: //p')
  # Checked code needs deeper stacks than a test's thread has. What tract keeps to the end is no leak of ours.
  RUSTFLAGS=-Zsanitizer=address RUST_MIN_STACK=16777216 ASAN_OPTIONS=detect_leaks=0 CARGO_TARGET_DIR=$CARGO_TARGET_DIR/asan \
    "${nightly[@]}" test --release -p emotion-models --lib --target "$host" -- kernels fused
}

# Files that nearly are models, for some minutes.
fuzz_loader() {
  local reason nightly=() tool=$CARGO_TARGET_DIR/fuzz
  if ! find_nightly; then
    skip "fuzzing the model loader: $reason"
    return 0
  fi
  PATH=$PATH:$tool/bin
  command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --version 0.13.2 --root "$tool" cargo-fuzz
  mkdir -p "$tool/corpus"
  "${nightly[@]}" fuzz run --target-dir "$tool/target" model_loader "$tool/corpus" fuzz/seeds -- \
    -max_total_time="$fuzz_seconds" -rss_limit_mb=$fuzz_memory -malloc_limit_mb=$fuzz_memory -timeout=$fuzz_patience \
    -max_len=65536 -print_final_stats=1
}
