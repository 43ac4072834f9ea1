#!/bin/bash
# Portability of the kernels: they build for every level of x86-64 and pass their tests at each that this processor has
# (at its highest they are what the unit tests run, and are left to them); the generic path compiles for aarch64; and a program that was built for more than a processor has says so.
#
#   SAGES=PATH Tests/portability.sh
#
# Without the toolchain's Embedded library for aarch64, or without qemu-x86_64 (Debian: qemu-user), that part is left
# out, and the last line says so.
set -euo pipefail

sources="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="$(mktemp --directory)"
trap 'rm --recursive --force "$folder"' EXIT
left_out=""

# A package of the kernels and their tests alone, which builds in a minute.
mkdir "$folder/Sources" "$folder/Tests"
for module in CInstructionSet CBFloat16 CBuildInformation Diagnostics Kernels Tensor; do
    ln --symbolic "$sources/Sources/$module" "$folder/Sources/$module"
done
ln --symbolic "$sources/Tests/KernelsTests" "$folder/Tests/KernelsTests"
cat > "$folder/Package.swift" <<'SWIFT'
// swift-tools-version: 6.2
import Foundation
import PackageDescription

let march = "-march=\(ProcessInfo.processInfo.environment["SAGES_ARCH"] ?? "native")"
let package = Package(
    name: "Portability",
    targets: [
        .target(name: "CInstructionSet", cSettings: [.unsafeFlags([march])]),
        .systemLibrary(name: "CBFloat16"),
        .target(name: "CBuildInformation"),
        .target(name: "Diagnostics", dependencies: ["CBuildInformation", "CInstructionSet"]),
        .target(name: "Kernels", dependencies: ["CInstructionSet", "CBFloat16"],
                swiftSettings: [.unsafeFlags(["-Ounchecked", "-Xcc", march, "-Xllvm",
                                              "-sil-disable-pass=early-redundant-load-elimination"])]),
        .target(name: "Tensor", dependencies: ["Kernels", "Diagnostics"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "Tensor"]),
    ],
    swiftLanguageModes: [.v6])
SWIFT

has() { for flag in "$@"; do grep --quiet --word-regexp "$flag" /proc/cpuinfo || return 1; done; }

tested=""
highest=""
for level in x86-64-v4:avx512f,avx512bw,avx512dq,avx512vl x86-64-v3:avx2,fma,bmi2 x86-64-v2:sse4_2; do
    name="${level%%:*}"
    IFS=, read -r -a flags <<< "${level#*:}"
    if [[ -z "$highest" && "${SAGES_ARCH:-native}" == native ]] && has "${flags[@]}"; then
        highest="$name"
        tested+=" $name (natively)"
        continue
    fi
    log="$folder/$name.log"
    action=(test --no-parallel)
    has "${flags[@]}" || action=(build --target Kernels)
    SAGES_ARCH="$name" swift "${action[@]}" --package-path "$folder" --scratch-path "$folder/build-$name" \
        --configuration release -Xswiftc -enable-testing > "$log" 2>&1 || {
        tail --lines=40 "$log"
        echo "portability: the kernels fail for $name"
        exit 1
    }
    if [[ "${action[0]}" == test ]]; then
        grep --quiet --extended-regexp 'Test run with [1-9][0-9]* tests.*passed' "$log"
        tested+=" $name"
    else
        tested+=" $name (compiled)"
    fi
done

# The generic path: no Linux library for aarch64 comes with the toolchain, but Embedded Swift needs none.
library="$(dirname "$(dirname "$(readlink --canonicalize "$(command -v swiftc)")")")/lib/swift/embedded/aarch64-none-none-elf"
if [[ -d "$library" ]]; then
    find "$sources/Sources/Kernels" -name '*.swift' -print0 | xargs --null swiftc -target aarch64-none-none-elf \
        -enable-experimental-feature Embedded -swift-version 6 -wmo -Ounchecked -parse-as-library -module-name Kernels \
        -Xllvm -sil-disable-pass=early-redundant-load-elimination \
        -Xcc -fmodule-map-file="$sources/Sources/CInstructionSet/include/module.modulemap" \
        -Xcc -fmodule-map-file="$sources/Sources/CBFloat16/module.modulemap" -Xcc -ffreestanding \
        -c -o "$folder/kernels.o"
    tested+=" aarch64 (compiled)"
else
    left_out+=" aarch64"
fi

# A Nehalem has no AVX: what was built for more must end with its message and status, not with a signal.
if command -v qemu-x86_64 > /dev/null; then
    if grep --quiet --word-regexp avx <<< "$("${SAGES:?}" doctor 2>&1 | grep 'kernels built for')"; then
        status=0
        qemu-x86_64 -cpu Nehalem "$SAGES" info "$sources/README.md" > "$folder/out" 2>&1 || status=$?
        [[ "$status" != 132 && "$status" != 4 ]]
        status=0
        qemu-x86_64 -cpu Nehalem "$SAGES" simulate no-model.h5 --input no-start.h5 --steps 1 --out none.h5 \
            > "$folder/out" 2>&1 || status=$?
        if [[ "$status" != 70 ]] || ! grep --quiet 'this program was built for processors with .*avx' "$folder/out"; then
            cat "$folder/out"
            echo "portability: exit status $status on a processor without AVX, where 70 and a message are right"
            exit 1
        fi
    else
        left_out+=" the lacking processor (this build needs no AVX)"
    fi
else
    left_out+=" the lacking processor (no qemu-x86_64)"
fi
echo "kernels:$tested${left_out:+; left out:$left_out}"
