#include "bench/bench.h"

#include "base/machine.h"
#include "base/progress.h"

#include <cblas.h>
#include <stdlib.h>
#include <sys/resource.h>

bool bench_turn_about(bench_contender *contenders, size_t count, int rounds, double seconds)
{
    for (size_t i = 0; i < count; i++) contenders[i].best = 0;
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++) {
            const double rate = contenders[i].run(contenders[i].context, seconds);
            if (rate < 0) return false;
            if (rate > contenders[i].best) contenders[i].best = rate;
        }
    return true;
}

double bench_sgemm(int threads, double seconds)
{
    enum { M = 2048, N = 256, K = 256, TIMES = 10, RUNS_LEAST = 3 };
    float *a = calloc((size_t)M * K, sizeof *a), *b = calloc((size_t)N * K, sizeof *b),
          *c = calloc((size_t)M * N, sizeof *c);
    double best = 0;
    if (a && b && c) {
        openblas_set_num_threads(threads);
        const double begin = triad_now();
        for (int run = 0; run < RUNS_LEAST || triad_now() - begin < seconds; run++) {
            const double start = triad_now();
            for (int i = 0; i < TIMES; i++)
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, N, K, 1, a, K, b, K, 0, c, N);
            const double rate = TIMES * 2e-9 * M * N * K / (triad_now() - start);
            if (rate > best) best = rate;
        }
        openblas_set_num_threads(1);
    }
    free(a);
    free(b);
    free(c);
    return best;
}

size_t bench_peak_rss(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

json_object *bench_document(const char *bench, json_object *results)
{
    json_object *root = json_object_new_object();
    json_object_object_add(root, "bench", json_object_new_string(bench));
    json_object_object_add(root, "machine", json_object_new_string(triad_machine_cpu()));
    json_object_object_add(root, "results", results);
    return root;
}
