#include "graph/op/narrowing.h"

#include <stdlib.h>
#include <string.h>

struct narrow_part *narrow_part(const struct narrowing *n, const struct node *node) {
    return &n->parts[node->id];
}

void narrow_read_block(const struct narrowing *n, const struct node *node, int block) {
    struct narrow_part *part = narrow_part(n, node);
    part->blocks[block] = 1;
    part->read = 1;
}

void narrow_read_columns(const struct narrowing *n, const struct node *node, int first, int count) {
    struct narrow_part *part = narrow_part(n, node);
    if (part->columns)
        memset(part->columns + first, 1, (size_t)count);
    narrow_read_block(n, node, 0);
}

void narrow_read_all(const struct narrowing *n, const struct node *node) {
    struct narrow_part *part = narrow_part(n, node);
    memset(part->blocks, 1, (size_t)node->layout->nblocks);
    if (part->columns)
        memset(part->columns, 1, (size_t)node->layout->cols);
    part->read = 1;
}

int narrow_place(const char *read, int b) {
    int count = 0;
    for (int k = 0; k < b; k++)
        count += read[k];
    return count;
}

const struct layout *narrow_layout(const struct narrowing *n, const struct node *node) {
    const struct layout *layout = node->layout;
    struct block *blocks = malloc((size_t)(layout->nblocks + 1) * sizeof *blocks);
    int count = 0;
    if (!blocks) {
        error_memory(&n->graph->error);
        return layout;
    }
    for (int b = 0; b < layout->nblocks; b++)
        if (narrow_part(n, node)->blocks[b])
            blocks[count++] = layout->blocks[b];
    const struct layout *narrow = layout_intern(n->graph, blocks, count);
    free(blocks);
    return narrow;
}
