#!/usr/bin/env python3
"""mutual kNN, debiased CKA and RSA-Spearman of two large spaces by NumPy and SciPy in float64, turn about with
`triad bench align` on the same arrays and cores.

    align_numpy.py TRIAD [--rows 5000] [--width 4096] [--rounds 3] [--json]

TRIAD is the program. Each round runs every measure once in NumPy and once in Triad; the figure of each is its best
round, and the values of both are compared. NumPy's time is from float64 arrays in memory to the value; Triad's from its
float32 rows in memory to the value, conversion included. Needs numpy, scipy, threadpoolctl.
"""
import argparse, json, os, subprocess, sys, tempfile, time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # NumPy's library chooses its kernels by the machine it finds
    os.environ.pop(name, None)

import numpy as np
from scipy.stats import rankdata
from threadpoolctl import threadpool_info


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def neighbours(x, k):
    u = unit(x)
    s = u @ u.T
    np.fill_diagonal(s, -np.inf)
    return np.argpartition(-s, k - 1, axis=1)[:, :k]


def mutual_knn(x, y, k=15):
    a, b = neighbours(x, k), neighbours(y, k)
    n = len(a)
    row = np.arange(n)[:, None] * n
    return len(np.intersect1d((row + a).ravel(), (row + b).ravel(), assume_unique=True)) / (n * k)


def hsic_u(k, l):  # Song et al. 2012, diagonals are zero
    n = len(k)
    both = (k * l).sum() + k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 * (k.sum(0) @ l.sum(0)) / (n - 2)
    return both / (n * (n - 3))


def cka_debiased(x, y):
    k, l = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    return hsic_u(k, l) / np.sqrt(hsic_u(k, k) * hsic_u(l, l))


def rdm(x, upper):
    u = unit(x)
    return np.rint((1 - (u @ u.T)[upper]) * 1e10) / 1e10


def rsa_spearman(x, y):
    upper = np.triu(np.ones((len(x), len(x)), bool), 1)
    a, b = rankdata(rdm(x, upper)), rankdata(rdm(y, upper))
    a -= a.mean()
    b -= b.mean()
    return a @ b / np.sqrt((a @ a) * (b @ b))


MEASURES = {"mutual_knn/15": mutual_knn, "cka_linear_debiased": cka_debiased, "rsa/cosine/spearman": rsa_spearman}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("triad")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    kernels = [f"{i['internal_api']} {i['version']} {i.get('architecture', '')} {i['num_threads']} threads"
               for i in threadpool_info()]
    rng = np.random.default_rng(7)
    shared = rng.standard_normal((args.rows, 32), dtype=np.float32)
    spaces = []
    for _ in range(2):
        x = shared @ rng.standard_normal((32, args.width), dtype=np.float32) * np.float32(0.1)
        x += rng.standard_normal((args.rows, args.width), dtype=np.float32)
        x += rng.standard_normal(args.width, dtype=np.float32)
        spaces.append(x)
    ours = {name: np.inf for name in MEASURES}
    theirs = dict(ours)
    value, other = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, x in zip("xy", spaces):
            np.save(f"{folder}/{name}.npy", x)
            with open(f"{folder}/{name}.txt", "w") as text:
                text.writelines(f"sentence {i:06d}\n" for i in range(args.rows))
        double = [x.astype(np.float64) for x in spaces]
        for _ in range(args.rounds):
            for name, measure in MEASURES.items():
                start = time.perf_counter()
                other[name] = float(measure(*double))
                theirs[name] = min(theirs[name], time.perf_counter() - start)
            run = subprocess.run([args.triad, "bench", "align", f"{folder}/x.npy", f"{folder}/y.npy", "--rounds", "1",
                                  "--json", "--quiet"], check=True, capture_output=True)
            for result in json.loads(run.stdout)["results"]:
                name = result["workload"]
                ours[name] = min(ours[name], result["seconds"])
                value[name] = result["value"]
    results = [{"measure": name, "numpy_seconds": theirs[name], "triad_seconds": ours[name],
                "ratio": theirs[name] / ours[name], "value": value[name],
                "difference": abs(value[name] - other[name])} for name in MEASURES]
    if args.json:
        json.dump({"rows": args.rows, "width": args.width, "libraries": kernels, "results": results}, sys.stdout)
        print()
        return
    print(f"n = {args.rows}, d = {args.width}; {'; '.join(kernels)}")
    for r in results:
        print(f"{r['measure']:22s} NumPy {r['numpy_seconds']:7.3f} s  Triad {r['triad_seconds']:7.3f} s  "
              f"ratio {r['ratio']:5.2f}  value {r['value']:.9f}  difference {r['difference']:.1e}")


if __name__ == "__main__":
    main()
