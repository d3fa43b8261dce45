/* The Hugging Face cache: names and places. */
#ifndef TRIAD_MODELS_HUB_H
#define TRIAD_MODELS_HUB_H

#include "triad/hub.h"

/* ORG/NAME[@REVISION][/FILE], taken apart. */
typedef struct hub_name {
    char *repository; /* "org/name" or "name" */
    char *revision;   /* "main" where none is given */
    char *file;       /* path in the repository; NULL: the whole */
} hub_name;           /* zero-initialise; hub_name_free */

/* TRIAD_ERR_ARGUMENT: not such a name (the hub's own rules: at most 96 letters, digits, - _ . a part). */
TRIAD_NODISCARD triad_status hub_name_parse(hub_name *name, const char *source, triad_error *err);
void hub_name_free(hub_name *name);

/* A relative path without empty parts, "." and "..", control bytes or backslashes, and no part longer than 255. */
bool hub_path_is_plain(const char *path);
bool hub_is_commit(const char *text); /* 40 lower-case hex digits */

/* models--org--name in the cache; the caller's. */
TRIAD_NODISCARD triad_status hub_storage(char **folder, const char *repository, triad_error *err);
/* The commit that refs/REVISION names, or the revision itself where it is one. TRIAD_ERR_NOT_FOUND. */
TRIAD_NODISCARD triad_status hub_commit(char commit[41], const char *storage, const char *revision, triad_error *err);

/* "1", "on", "yes" and "true" in any case. */
bool hub_flag(const char *variable);
bool hub_offline(void);
/* $variable with ~ and $NAME expanded; NULL where it is unset. *value is the caller's. */
TRIAD_NODISCARD triad_status hub_path_variable(char **value, const char *variable, triad_error *err);
/* HF_HOME; the caller's. */
TRIAD_NODISCARD triad_status hub_home(char **folder, triad_error *err);

#endif
