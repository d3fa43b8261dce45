#!/usr/bin/env bash
# run.sh DIR [RUNS] [NAME…]: each fuzz target of DIR (a build with -DTRIAD_FUZZ=ON) for RUNS executions (10^6), one line
# each; exits with 1 if there was a finding. What a run learns stays in DIR/corpus/NAME, where the next one takes it up;
# findings and logs lie in DIR/NAME.*. Inputs are at most 64 KiB (agents five times
# that); one that takes FUZZ_TIMEOUT (20) seconds is a finding.
set -u
dir=${1:?usage: fuzz/run.sh DIR [RUNS] [NAME…]}
runs=${2:-1000000}
here=$(cd "$(dirname "$0")" && pwd)
shift; shift
names=("$@")
if [ ${#names[@]} = 0 ]; then
    for source in "$here"/fuzz_*.c; do
        name=$(basename "$source" .c)
        names+=("${name#fuzz_}")
    done
fi
failed=0
for name in "${names[@]}"; do
    mkdir -p "$dir/corpus/$name"
    seeds=()
    [ -d "$here/corpus/$name" ] && seeds=("$here/corpus/$name")
    words=()
    [ -f "$here/$name.dict" ] && words=("-dict=$here/$name.dict")
    most=65536
    [ "$name" = agent ] && most=327680 # the smallest agent is larger than 64 KiB
    begin=$(date +%s%N)
    ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
        nice -n 10 "$dir/fuzz_$name" -runs="$runs" -max_len=$most -timeout="${FUZZ_TIMEOUT:-20}" -rss_limit_mb=2048 -print_final_stats=1 \
        "${words[@]}" -artifact_prefix="$dir/$name." "$dir/corpus/$name" "${seeds[@]}" >"$dir/$name.log" 2>&1
    status=$?
    milliseconds=$((($(date +%s%N) - begin) / 1000000 + 1))
    done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$name.log")
    cov=$(grep -o 'cov: [0-9]*' "$dir/$name.log" | tail -1)
    if [ $status = 0 ]; then
        echo "$name: ${done:-0} executions, $((${done:-0} * 1000 / milliseconds))/s, ${cov:-cov: ?}, no finding"
    else
        failed=1
        echo "$name: FINDING after ${done:-?} executions: $(grep -m1 -E 'ERROR|runtime error|SUMMARY|deadly' "$dir/$name.log") (log: $dir/$name.log)"
    fi
done
exit $failed
