/* Where people keep models: the Hugging Face cache, found as huggingface_hub finds it, filled as it fills it.
 *
 * The cache: $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, else $HF_HOME/hub; HF_HOME by default is
 * ${XDG_CACHE_HOME:-~/.cache}/huggingface. In it models--ORG--NAME/ holds blobs/ETAG (a file's bytes, named by their
 * checksum), snapshots/COMMIT/PATH (relative links to blobs) and refs/REVISION (a commit). */
#ifndef TRIAD_HUB_H
#define TRIAD_HUB_H

#include "triad/base.h"

/* What a source leads to: a path that exists is itself, but a folder without config.json that holds one .gguf (or one
 * split over several) leads to that; else ORG/NAME (or NAME), with @REVISION (default main) and
 * /FILE behind it where wanted, is looked up in the cache: the folder of the snapshot, or the file in it, and the
 * same of a snapshot with one .gguf. *path is the caller's (free()). TRIAD_ERR_NOT_FOUND says what
 * to do. Never uses the network. */
TRIAD_NODISCARD triad_status triad_hub_find(char **path, const char *source, triad_error *err);

/* The root of the cache; the caller's. */
TRIAD_NODISCARD triad_status triad_hub_cache(char **folder, triad_error *err);

typedef struct triad_pulled {
    char *folder;                   /* the snapshot, or the one file that was named */
    char commit[41];                /* 40 hex digits */
    size_t files, fetched, resumed; /* in the snapshot that were wanted; downloaded; continued from a part */
    uint64_t bytes, bytes_fetched;  /* of all; over the network */
} triad_pulled;

/* Downloads what Triad reads of a repository (configuration, tokenizer, safetensors; with `all` every file; with /FILE
 * behind the id that file) into the cache, as the hub's own client lays it out. What is there already is kept; a part
 * from an interrupted download is continued; sizes and checksums are verified; a file appears whole or not at all; two
 * that pull at once wait for one another. $HF_ENDPOINT, $HF_TOKEN, $HF_TOKEN_PATH, $HF_HUB_OFFLINE and the like count.
 * The token goes to the endpoint alone. Not to be called from two threads at once. */
TRIAD_NODISCARD triad_status triad_hub_pull(triad_pulled *pulled, const char *repository, bool all,
                                            triad_progress *progress, triad_error *err);
void triad_pulled_free(triad_pulled *pulled);

#endif
