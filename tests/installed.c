/* A user's program: only public headers, and what pkg-config says. */
#include <triad/agent.h>
#include <triad/babyai.h>
#include <triad/base.h>
#include <triad/items.h>
#include <triad/space.h>

#include <stdio.h>
#include <string.h>

static void square(void *context, size_t tile, int worker)
{
    (void)worker;
    ((size_t *)context)[tile] = tile * tile;
}

int main(void)
{
    triad_error err = {0};
    triad_pool *pool = NULL;
    if (triad_pool_create(&pool, 2, &err) != TRIAD_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    size_t squares[100];
    triad_parallel(pool, 100, square, squares);
    triad_pool_free(pool);

    static const char table[] = "id\ttext\tcolour\na\tgo to the red ball\tred\n";
    triad_items items;
    if (triad_items_parse(&items, table, strlen(table), "table", &err) != TRIAD_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const int colour = triad_items_factor(&items, "colour");
    printf("%zu %s %s\n", squares[99], items.text[0], triad_items_cell(&items, 0, colour));
    triad_items_free(&items);
    return 0;
}
