#!/usr/bin/env bash
# install.sh BUILD: what `make install` puts in place serves a user: the program runs, every public header compiles alone,
# and a small program builds against triad.pc and runs.
set -eu
build=$1
source=$(cd "$(dirname "$0")/.." && pwd)
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix" >/dev/null

version=$("$prefix/bin/triad" --version)
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
test "$version" = "triad $(pkg-config --modversion triad)"

for header in "$prefix"/include/triad/*.h; do
    echo "#include <triad/$(basename "$header")>" >"$prefix/alone.c"
    # shellcheck disable=SC2046
    cc -std=c17 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags triad) "$prefix/alone.c"
done

# shellcheck disable=SC2046
cc -std=c17 -Wall -Wextra -Werror $(pkg-config --cflags triad) "$source/tests/installed.c" -o "$prefix/installed" \
    $(pkg-config --libs triad)
test "$("$prefix/installed")" = "9801 go to the red ball red"

# The examples need nothing else.
for example in "$source"/examples/*.c; do
    # shellcheck disable=SC2046
    cc -std=gnu17 -Wall -Wextra -Werror $(pkg-config --cflags triad) "$example" -o "$prefix/example" $(pkg-config --libs triad)
done
