#include "graph/run/program_look.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op/op.h"
#include "graph/run/program_internal.h"

int program_instructions(const struct program *program) {
    return program->plan->ninstructions;
}

void program_instruction(const struct program *program, int instruction, struct instruction_info *info) {
    static const char *const dims[] = {"", "atoms", "pairs", "frames"};
    const struct instruction *in = &program->plan->instructions[instruction];
    memset(info, 0, sizeof *info);
    info->op = in->node->op->name;
    info->module = in->node->module;
    info->seconds = program->timing.runs ? program->timing.seconds[instruction] / program->timing.runs : 0;
    info->flops = program->timing.flops[instruction];
    if (in->node->dim == DIM_STATIC)
        snprintf(info->shape, sizeof info->shape, "%s[%d,%d]", dtype_name(in->node->dtype), in->node->rows,
                 in->node->layout->cols);
    else
        snprintf(info->shape, sizeof info->shape, "%s[%s,%d]", dtype_name(in->node->dtype), dims[in->node->dim],
                 in->node->layout->cols);
}

void program_making(const struct program *program, struct program_making *out) {
    *out = program->making;
    out->kept = program->plan->nvalues;
    out->instructions = program->plan->ninstructions;
    for (int k = 0; k < program->plan->nvalues; k++) {
        enum op_data data = program->plan->values[k].node->op->data;
        out->inputs += data == DATA_INPUT || data == DATA_PARAM;
        out->constants += data == DATA_CONSTANT;
        out->views += data == DATA_VIEW;
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
    const struct plan *plan = program->plan;
    char *read = plan->inspect ? calloc((size_t)plan->nvalues + 1, 1) : NULL; /* from outside */
    if (!read)
        return;
    for (int i = 0; i < plan->ninstructions; i++) {
        const struct instruction *in = &plan->instructions[i];
        for (int k = 0; !in->node->derived && k < in->node->ninputs; k++)
            read[plan->values[in->inputs[k]].holder] |= !is_under(in->node->module, path);
    }
    for (int k = 0; k < plan->noutputs; k++)
        read[plan->values[plan->outputs[k].value].holder] = 1;
    for (int i = 0; i < plan->ninstructions; i++) {
        const struct node *node = plan->instructions[i].node;
        int value = plan->instructions[i].value;
        struct instruction_info info;
        long rows;
        if (node->derived || !read[value] || !is_under(node->module, path))
            continue;
        program_instruction(program, i, &info);
        const void *data = workspace_value(program->workspace, value, &rows);
        call(context, &info, node->dtype, data, (size_t)rows * (size_t)node->layout->cols);
    }
    free(read);
}

void program_set_timing(struct program *program, int on) {
    if (on) {
        program->timing.runs = 0;
        for (int i = 0; i < program->plan->ninstructions; i++)
            program->timing.seconds[i] = 0;
    }
    program->timed = on;
}

int program_first_nonfinite(const struct program *program, long *row, int *col) {
    const struct plan *plan = program->plan;
    for (int i = 0; plan->inspect && i < plan->ninstructions; i++) {
        const struct node *node = plan->instructions[i].node;
        const struct layout *layout = node->layout;
        long rows;
        const void *data = workspace_value(program->workspace, plan->instructions[i].value, &rows);
        for (int b = 0; b < layout->nblocks; b++) {
            long size = (long)layout->blocks[b].mid * layout->blocks[b].mul, from = layout->offset[b] * rows;
            for (long k = 0; k < rows * size; k++)
                if (!isfinite(node->dtype == F32 ? (double)((const float *)data)[from + k]
                                                 : ((const double *)data)[from + k])) {
                    *row = k / size;
                    *col = layout->offset[b] + (int)(k % size);
                    return i;
                }
        }
    }
    return -1;
}

size_t program_memory(const struct program *program) {
    return workspace_bytes(program->workspace) + (program->chunked ? chunked_memory(program->chunked) : 0);
}
