#!/bin/bash
#
# A host in strict C builds with the compiler and pkg-config alone.
#
#   bash pkg-config.sh FOLDER_OF_SAGES_PC SOURCE.c PROGRAM

set -euo pipefail
export PKG_CONFIG_PATH="$1${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
read -r -a flags <<< "$(pkg-config --cflags --libs sages)"
cc -std=c99 -Wall -Wextra -Werror -pedantic "$2" "${flags[@]}" -o "$3"
