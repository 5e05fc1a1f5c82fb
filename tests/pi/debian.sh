# shellcheck shell=bash
# Sourced by `fetch` and `instructions`: packages of one Debian release through an apt of their own, which knows arm64 and leaves
# the machine's package lists alone. apt verifies the signatures.

# The release of kernel, C library and emulator, whichever the machine itself runs.
release=bookworm

# missing REASON: cannot run here.
missing() {
  echo "$1" >&2
  exit 77
}

# need PROGRAM...
need() {
  PATH=$PATH:/usr/sbin:/sbin
  local program
  for program in apt-get apt-cache dpkg-deb "$@"; do
    command -v "$program" >/dev/null || missing "$program is not there (Debian: apt-get install make gcc gcc-aarch64-linux-gnu \
libc6-dev-arm64-cross kmod cpio device-tree-compiler qemu-system-arm)"
  done
}

# open_apt FOLDER: from now on apt is the private one, with its files in FOLDER and packages in FOLDER/debs.
open_apt() {
  work=$1
  native=$(dpkg --print-architecture)
  local key=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -e $key ]] || missing "$key is not there (apt-get install debian-archive-keyring)"
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 || true)
  mirror=${mirror:-http://deb.debian.org/debian}
  mirror=${mirror%% *}
  mkdir -p "$work"/{lists/partial,archives/partial,debs}
  printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$native,arm64" $key "$mirror" $release \
    "$native" $key "$mirror" $release-backports >"$work/sources.list"
  cat >"$work/apt.conf" <<S
Dir::Etc::sourcelist "$work/sources.list"; Dir::Etc::sourceparts "-"; Dir::State::lists "$work/lists";
Dir::State::status "/dev/null"; Dir::Cache "$work"; APT::Architectures { "$native"; "arm64"; };
APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::http::Timeout "60"; Acquire::Retries "3";
S
  export APT_CONFIG=$work/apt.conf
  apt-get update -qq >"$work/log" 2>&1 || missing "apt cannot reach $mirror: $(tail -n 1 "$work/log")"
}

# download PACKAGE...: into $work/debs.
download() {
  (cd "$work/debs" && apt-get download -qq "$@") >>"$work/log" 2>&1 ||
    missing "$mirror did not give $*: $(tail -n 1 "$work/log")"
}

# unpack FOLDER DEB...
unpack() {
  local deb into=$1
  shift
  for deb in "$@"; do dpkg-deb -x "$deb" "$into"; done
}
