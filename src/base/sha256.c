#include "base/file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void to_hex(char hex[65], const unsigned char digest[32])
{
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = 0;
}

void triad_sha256_bytes(char hex[65], const void *bytes, size_t size)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(size > 0 ? bytes : "", size, digest, NULL, EVP_sha256(), NULL);
    to_hex(hex, digest);
}

triad_status triad_sha256_file(char hex[65], const char *path, triad_error *err)
{
    hex[0] = 0;
    if (triad_path_is_device(path))
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s: it is a device or a pipe (name a file)", path);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return triad_fail(err, errno == ENOENT ? TRIAD_ERR_NOT_FOUND : TRIAD_ERR_IO, -1, "%s: can't be read: %s", path,
                          strerror(errno));
    const size_t chunk = (size_t)1 << 20;
    unsigned char *buffer = malloc(chunk), digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    triad_status status = TRIAD_OK;
    if (buffer == NULL || context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    } else {
        size_t n;
        while ((n = fread(buffer, 1, chunk, file)) > 0) EVP_DigestUpdate(context, buffer, n);
        if (ferror(file))
            status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: can't be read: %s", path, strerror(errno));
        else if (EVP_DigestFinal_ex(context, digest, NULL) == 1)
            to_hex(hex, digest);
    }
    EVP_MD_CTX_free(context);
    free(buffer);
    fclose(file);
    return status;
}
