#!/bin/sh
# Installs Braid: the newest release, or BRAID_VERSION, into BRAID_INSTALL (default: ~/.local/bin).
#
#   curl --proto '=https' --tlsv1.2 -fsSL https://github.com/braid-graphql/braid/releases/latest/download/install.sh | sh
#
# It downloads one archive, checks it against the release's checksums, and copies one program. It changes nothing else.
set -eu

releases="${BRAID_RELEASES:-https://github.com/braid-graphql/braid/releases}"
folder="${BRAID_INSTALL:-$HOME/.local/bin}"

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}
fetch() {
    if command -v curl > /dev/null; then
        curl -fsSL --retry 3 -o "$2" "$1" || fail "$1 can't be downloaded"
    elif command -v wget > /dev/null; then
        wget -q -O "$2" "$1" || fail "$1 can't be downloaded"
    else
        fail "curl or wget is needed"
    fi
}
sum() {
    if command -v sha256sum > /dev/null; then
        sha256sum "$1" | cut -d ' ' -f 1
    elif command -v shasum > /dev/null; then
        shasum -a 256 "$1" | cut -d ' ' -f 1
    else
        fail "sha256sum or shasum is needed to check what was downloaded"
    fi
}

# All in a function: a script that arrives in part does nothing.
main() {
    case "$(uname -s)" in
        Linux) system=unknown-linux-musl ;;
        Darwin) system=apple-darwin ;;
        *) fail "there is no program for $(uname -s); on Windows, download the zip from $releases" ;;
    esac
    case "$(uname -m)" in
        x86_64 | amd64) machine=x86_64 ;;
        aarch64 | arm64) machine=aarch64 ;;
        *) fail "there is no program for $(uname -m); build it: cargo install --path router" ;;
    esac
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if [ -n "${BRAID_VERSION:-}" ]; then
        base="$releases/download/v${BRAID_VERSION#v}"
    else
        base="$releases/latest/download"
    fi
    fetch "$base/SHA256SUMS" "$work/SHA256SUMS"
    archive=$(sed -n "s/^[0-9a-f]*  \(braid-v.*-$machine-$system\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS")
    [ -n "$archive" ] || fail "the release has nothing for $machine-$system"
    expected=$(sed -n "s/^\([0-9a-f]*\)  $archive\$/\1/p" "$work/SHA256SUMS")
    fetch "$base/$archive" "$work/$archive"
    [ "$(sum "$work/$archive")" = "$expected" ] || fail "$archive is not what the release's checksums say; nothing was installed"
    tar -C "$work" -xzf "$work/$archive"
    mkdir -p "$folder"
    # Replaced as a whole, also while it runs.
    cp "$work/${archive%.tar.gz}/braid" "$folder/.braid.new"
    chmod 755 "$folder/.braid.new"
    mv -f "$folder/.braid.new" "$folder/braid"
    printf '%s is in %s\n' "$("$folder/braid" --version)" "$folder"
    case ":$PATH:" in
        *":$folder:"*) ;;
        *) printf 'Add %s to your PATH.\n' "$folder" ;;
    esac
}

main
