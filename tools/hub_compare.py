#!/usr/bin/env python3
"""hub_compare.py TRIAD: `triad pull` against huggingface_hub, both from a small hub on loopback.

The two caches must hold the same blobs, snapshots (links and targets) and refs; huggingface_hub must take the one that
triad filled: scan_cache_dir without warnings, snapshot_download(local_files_only=True), and a resumed download must end in
the same bytes.  Needs huggingface_hub (2.4.0)."""
import hashlib, http.server, json, os, random, subprocess, sys, tempfile, threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
r = random.Random(5)
FILES = {"config.json": (b'{"model_type": "llama"}\n', False), "tokenizer.json": (r.randbytes(5000), False),
         "model.safetensors": (r.randbytes(3000000), True), "1_Pooling/config.json": (b"{}", False)}
LOG = []


def etag(data, large):
    return hashlib.sha256(data).hexdigest() if large else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for k, v in headers.items(): self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        LOG.append((self.command, path, self.headers.get("Authorization"), self.headers.get("Range")))
        if path.startswith("/api/models/org/tiny/revision/"):
            body = {"id": "org/tiny", "sha": COMMIT, "siblings": [{"rfilename": n} for n in FILES]}
            return self.reply(200, json.dumps(body).encode(), Content_Type="application/json")
        if path.startswith("/api/models/org/tiny/tree/"):
            body = [{"type": "file", "path": n, "size": len(d), "oid": etag(d, False),
                     **({"lfs": {"oid": etag(d, True), "size": len(d), "pointerSize": 130}} if large else {})} for n, (d, large) in FILES.items()]
            return self.reply(200, json.dumps(body).encode(), Content_Type="application/json")
        for name, (data, large) in FILES.items():
            if path == "/org/tiny/resolve/%s/%s" % (COMMIT, name):
                head = dict(X_Repo_Commit=COMMIT, ETag='"%s"' % etag(data, large))
                if large:
                    return self.reply(302, X_Linked_Etag='"%s"' % etag(data, True), X_Linked_Size=str(len(data)),
                                      Location="http://127.0.0.1:%d/store/%s" % (STORE.server_port, etag(data, True)), **head)
                return self.reply(200, data, **head)
            if path == "/store/" + etag(data, True):
                span = self.headers.get("Range")
                if not span: return self.reply(200, data)
                start = int(span.removeprefix("bytes=").split("-")[0])
                return self.reply(206, data[start:], Content_Range="bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        self.reply(404, X_Error_Code="EntryNotFound")

    do_HEAD = do_GET


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


HUB, STORE = serve(), serve()
os.environ.update(HF_ENDPOINT="http://127.0.0.1:%d" % HUB.server_port, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", HF_TOKEN="hf_secret",
                  HF_HUB_DISABLE_PROGRESS_BARS="1", no_proxy="*", HF_HUB_DISABLE_UPDATE_CHECK="1")


def tree(root):
    out = {}
    for folder, _, names in os.walk(os.path.join(root, "hub")):
        for n in names:
            path = os.path.join(folder, n)
            key = os.path.relpath(path, root)
            out[key] = "-> " + os.readlink(path) if os.path.islink(path) else hashlib.sha256(open(path, "rb").read()).hexdigest()
    return out


def main():
    triad = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        def pull(*arguments): return subprocess.run([triad, "pull", "--quiet", *arguments], env={**os.environ, "HF_HOME": ours}, text=True, capture_output=True)
        done = pull("org/tiny")
        assert done.returncode == 0, done.stderr
        assert not any(a and p.startswith("/store/") for _, p, a, _ in LOG), "the token left the hub"
        os.environ["HF_HOME"] = theirs
        import huggingface_hub
        huggingface_hub.snapshot_download("org/tiny")
        # What only one of them keeps: its listing of the tree, the cache's mark, and locks.
        skip = lambda k: k.endswith(".lock") or "/trees/" in k or k.endswith("CACHEDIR.TAG")
        a, b = ({k: v for k, v in tree(root).items() if not skip(k)} for root in (ours, theirs))
        for k in sorted(a.keys() | b.keys()):
            if a.get(k) != b.get(k): print("differs:", k, a.get(k), b.get(k))
        assert a == b and len(a) == 9, (len(a), len(b))
        cache = os.path.join(ours, "hub")
        info = huggingface_hub.scan_cache_dir(cache)
        assert not info.warnings, info.warnings
        repo = next(iter(info.repos))
        assert repo.repo_id == "org/tiny" and repo.nb_files == 4 and {x for v in repo.revisions for x in v.refs} == {"main"}, repo
        HUB.shutdown(), HUB.server_close()
        found = huggingface_hub.snapshot_download("org/tiny", cache_dir=cache, local_files_only=True)
        assert found == done.stdout.strip(), (found, done.stdout)
        assert huggingface_hub.hf_hub_download("org/tiny", "1_Pooling/config.json", cache_dir=cache, local_files_only=True)
        print("the same cache: %d files; huggingface_hub %s takes it" % (len(a), huggingface_hub.__version__))


main()
