#!/bin/bash
#
# libsages exports exactly the functions that sages.h declares, and the Fortran module binds all of them.
#
#   bash symbols.sh LIBRARY INCLUDE_FOLDER

set -euo pipefail
library="$1" include="$2"

declared="$(sed --quiet --regexp-extended 's/^(int|const char \*) ?(sages_[a-z_]+)\(.*/\2/p' "$include/sages.h" | sort)"
exported="$(nm --dynamic --defined-only --format=posix "$library" | cut --delimiter=' ' --fields=1 | sort)"
bound="$(sed --quiet --regexp-extended 's/.*bind\(C, name="(sages_[a-z_]+)"\).*/\1/p' "$include/sages.f90" | sort)"

[[ -n "$declared" ]] || { echo "no function in $include/sages.h"; exit 1; }
status=0
diff <(echo "$declared") <(echo "$exported") > differences || {
    echo "the header (<) and the library (>) differ:"
    head --lines=20 differences
    status=1
}
diff <(echo "$declared") <(echo "$bound") > differences || {
    echo "the header (<) and sages.f90 (>) differ:"
    head --lines=20 differences
    status=1
}
((status != 0)) || echo "$(wc --lines <<< "$declared") functions"
exit "$status"
