/* NumPy's .npy, versions 1 to 3: little-endian float and integer arrays in C order. */
#ifndef TRIAD_FORMATS_NPY_H
#define TRIAD_FORMATS_NPY_H

#include "formats/tensor.h"

typedef struct npy npy;
TRIAD_NODISCARD triad_status npy_open(npy **file, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status npy_parse(npy **file, const void *bytes, size_t size, triad_error *err); /* borrows */
void npy_close(npy *file);
const tensor_view *npy_tensor(const npy *file); /* name is "" */
TRIAD_NODISCARD triad_status npy_write(const char *path, const tensor_view *tensor, triad_error *err);

#endif
