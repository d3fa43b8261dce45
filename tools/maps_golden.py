#!/usr/bin/env python3
"""Records what scikit-learn 1.9 and SciPy make of small matrices: tests/data/align/maps.json.

    tools/maps_golden.py OUT.json

For each case: rows (row-major), PCA coordinates and shares (two components), t-SNE affinities by their exact
entropies (upper triangle), the divergence and trustworthiness that exact t-SNE from a PCA start ends with, and the
merges of average and Ward linkage.
"""
import json, sys
import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities
from scipy.spatial.distance import squareform


def case(name, x, perplexity):
    x = np.round(x, 6)
    pca = PCA(2, svd_solver="full")
    on = pca.fit_transform(x)
    d2 = squareform(pdist(x, "sqeuclidean"))
    p = _joint_probabilities(d2.astype(np.float32), perplexity, 0)
    tsne = TSNE(perplexity=perplexity, method="exact", init="pca", learning_rate="auto", max_iter=1000)
    at = tsne.fit_transform(x)
    return {"name": name, "n": len(x), "d": x.shape[1], "x": x.ravel().tolist(), "perplexity": perplexity,
            "pca": on.ravel().tolist(), "share": pca.explained_variance_ratio_.tolist(),
            "affinities": [float("%.9g" % v) for v in p], "divergence": float(tsne.kl_divergence_),
            "trustworthiness": float(trustworthiness(x, at, n_neighbors=5)), "picture": np.round(at, 4).ravel().tolist(),
            "picture_trustworthiness": float(trustworthiness(x, np.round(at, 4), n_neighbors=5)),
            "average": linkage(x, "average").ravel().tolist(), "ward": linkage(x, "ward").ravel().tolist()}


def main():
    rng = np.random.default_rng(3)
    clusters = np.repeat(rng.normal(size=(5, 8)) * 4, 9, axis=0) + rng.normal(size=(45, 8))
    wide = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 60)) + 0.2 * rng.normal(size=(30, 60))
    twice = rng.normal(size=(20, 4))
    twice[15:] = twice[:5]
    out = [case("clusters", clusters, 10.0), case("wide", wide, 7.0), case("duplicates", twice, 5.0)]
    with open(sys.argv[1], "w") as file:
        json.dump({"made_by": "tools/maps_golden.py, scikit-learn 1.9, SciPy", "cases": out}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
