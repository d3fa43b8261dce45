#include "base/large.h"

#include "base/checked.h"

#include <stdlib.h>
#include <sys/mman.h>

void *triad_alloc_large(size_t count, size_t size)
{
    const size_t huge = (size_t)2 << 20;
    size_t bytes;
    if (!triad_mul_size(&bytes, count, size)) return NULL;
    if (bytes < 2 * huge) return malloc(bytes ? bytes : 1);
    size_t rounded;
    if (!triad_add_size(&rounded, bytes, huge - 1)) return NULL;
    rounded -= rounded % huge;
    void *memory = aligned_alloc(huge, rounded);
    if (memory) (void)madvise(memory, rounded, MADV_HUGEPAGE); /* a wish: where there are none, small ones do */
    return memory;
}
