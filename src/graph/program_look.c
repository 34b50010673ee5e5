/* A look inside a program and at what its last run left. */
#include "graph/chunked.h"
#include "graph/program_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op/op.h"

int program_instructions(const struct program *program) {
    return program->ninstructions;
}

void program_instruction(const struct program *program, int instruction, struct instruction_info *info) {
    static const char *const dims[] = {"", "atoms", "pairs", "frames"};
    const struct instruction *in = &program->instructions[instruction];
    memset(info, 0, sizeof *info);
    info->op = in->node->op->name;
    info->module = in->node->module;
    info->seconds = program->timed_runs ? in->seconds / program->timed_runs : 0;
    info->flops = in->flops;
    if (in->node->dim == DIM_STATIC)
        snprintf(info->shape, sizeof info->shape, "%s[%d,%d]", dtype_name(in->node->dtype), in->node->rows,
                 in->node->layout->cols);
    else
        snprintf(info->shape, sizeof info->shape, "%s[%s,%d]", dtype_name(in->node->dtype), dims[in->node->dim],
                 in->node->layout->cols);
}

void program_making(const struct program *program, struct program_making *out) {
    *out = program->making;
    out->kept = program->nvalues;
    out->instructions = program->ninstructions;
    for (int k = 0; k < program->nvalues; k++) {
        out->inputs += program->values[k].input >= 0 || program->values[k].node->op->data == DATA_PARAM;
        out->constants += program->values[k].constant != NULL;
        out->views += program->values[k].alias >= 0;
    }
}

static int is_under(const char *module, const char *path) {
    size_t size = strlen(path);
    return !size || (!strncmp(module, path, size) && (!module[size] || module[size] == '.'));
}

void program_results(const struct program *program, const char *path,
                     void (*call)(void *context, const struct instruction_info *info, enum dtype dtype,
                                  const void *data, size_t count),
                     void *context) {
    char *read = program->inspect ? calloc((size_t)program->nvalues + 1, 1) : NULL; /* from outside */
    if (!read)
        return;
    for (int i = 0; i < program->ninstructions; i++) {
        const struct instruction *in = &program->instructions[i];
        for (int k = 0; !in->node->derived && k < in->node->ninputs; k++)
            for (int v = in->inputs[k]; v >= 0; v = program->values[v].alias)
                read[v] |= !is_under(in->node->module, path);
    }
    for (int k = 0; k < program->noutputs; k++)
        for (int v = program->outputs[k]; v >= 0; v = program->values[v].alias)
            read[v] = 1;
    for (int i = 0; i < program->ninstructions; i++) {
        const struct instruction *in = &program->instructions[i];
        const struct value *v = &program->values[in->value];
        struct instruction_info info;
        if (in->node->derived || !read[in->value] || !is_under(in->node->module, path))
            continue;
        program_instruction(program, i, &info);
        call(context, &info, in->node->dtype, v->data, (size_t)v->rows * (size_t)in->node->layout->cols);
    }
    free(read);
}

void program_set_timing(struct program *program, int on) {
    if (on) {
        program->timed_runs = 0;
        for (int i = 0; i < program->ninstructions; i++)
            program->instructions[i].seconds = 0;
    }
    program->timing = on;
}

int program_first_nonfinite(const struct program *program, long *row, int *col) {
    for (int i = 0; program->inspect && i < program->ninstructions; i++) {
        const struct value *v = &program->values[program->instructions[i].value];
        const struct layout *layout = v->node->layout;
        for (int b = 0; b < layout->nblocks; b++) {
            long size = (long)layout->blocks[b].mid * layout->blocks[b].mul, from = layout->offset[b] * v->rows;
            for (long k = 0; k < v->rows * size; k++)
                if (!isfinite(v->node->dtype == F32 ? (double)((const float *)v->data)[from + k]
                                                    : ((const double *)v->data)[from + k])) {
                    *row = k / size;
                    *col = layout->offset[b] + (int)(k % size);
                    return i;
                }
        }
    }
    return -1;
}

size_t program_memory(const struct program *program) {
    return program->capacity + program->scratch_capacity + (program->chunked ? chunked_memory(program->chunked) : 0);
}
