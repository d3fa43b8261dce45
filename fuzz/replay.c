/* Feeds files, and the files of folders, to a fuzz target: corpora replay in the tests without a fuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (fseek(file, 0, SEEK_END) == 0) size = (size_t)ftell(file);
    rewind(file);
    /* Exactly as large as the input, for the sanitizers. */
    bytes = malloc(size ? size : 1);
    const bool good = bytes && fread(bytes, 1, size, file) == size;
    fclose(file);
    if (good) LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return good;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            if (!replay_file(argv[i])) return fprintf(stderr, "%s: can't be read\n", argv[i]), 1;
            count++;
            continue;
        }
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char path[4096];
            struct stat status;
            if ((size_t)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name) >= sizeof path) continue;
            if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) continue;
            if (!replay_file(path)) return fprintf(stderr, "%s: can't be read\n", path), 1;
            count++;
        }
        closedir(folder);
    }
    printf("%zu inputs\n", count);
    return count == 0;
}
