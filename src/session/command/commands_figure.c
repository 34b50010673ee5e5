/* Curves, written as figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "session/command/groups.h"
#include "session/record.h"
#include "session/view/figure.h"
#include "session/session_internal.h"
#include "train/run/look.h"

/* ---------------------------------------------------------------- export */

static int compare_steps(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* One row a step, one column a curve; where two values share a step the last counts. */
static int write_csv(const struct series *const *list, size_t count, const char *path, struct error *error) {
    struct file_writer *writer;
    size_t total = 0, n = 0, *at = calloc(count + 1, sizeof *at);
    for (size_t s = 0; s < count; s++)
        total += list[s]->count;
    int64_t *steps = malloc((total + 1) * sizeof *steps);
    if (!steps || !at) {
        free(steps);
        free(at);
        return error_memory(error);
    }
    for (size_t s = 0; s < count; s++)
        for (size_t k = 0; k < list[s]->count; k++)
            steps[n++] = list[s]->steps[k];
    qsort(steps, n, sizeof *steps, compare_steps);
    int code = file_writer_open(&writer, path, error);
    if (code) {
        free(steps);
        free(at);
        return code;
    }
    FILE *stream = file_writer_stream(writer);
    fputs("step", stream);
    for (size_t s = 0; s < count; s++)
        fprintf(stream, ",%s", list[s]->name);
    fputc('\n', stream);
    for (size_t k = 0; k < n; k++) {
        if (k && steps[k] == steps[k - 1])
            continue;
        fprintf(stream, "%lld", (long long)steps[k]);
        for (size_t s = 0; s < count; s++) {
            char number[32] = "";
            for (; at[s] < list[s]->count && list[s]->steps[at[s]] <= steps[k]; at[s]++)
                text_double(number, list[s]->values[at[s]]);
            fprintf(stream, ",%s", number);
        }
        fputc('\n', stream);
    }
    free(steps);
    free(at);
    return file_writer_commit(writer, error);
}

static int write_curves(const struct series *const *list, size_t count, int logarithmic, const char *path,
                        struct error *error) {
    struct figure_set *sets = calloc(count + 1, sizeof *sets);
    double **steps = calloc(count + 1, sizeof *steps);
    int code = sets && steps ? 0 : error_memory(error);
    for (size_t s = 0; !code && s < count; s++) {
        steps[s] = malloc((list[s]->count + 1) * sizeof **steps);
        if (!steps[s])
            code = error_memory(error);
        for (size_t k = 0; !code && k < list[s]->count; k++)
            steps[s][k] = (double)list[s]->steps[k];
        sets[s] = (struct figure_set){list[s]->name, list[s]->count, steps[s], list[s]->values};
    }
    struct figure figure = {.title = count == 1 ? list[0]->name : "",
                            .x_label = "step",
                            .y_label = "",
                            .log_y = logarithmic,
                            .count = count,
                            .sets = sets};
    if (!code)
        code = figure_write(&figure, path, error);
    for (size_t s = 0; steps && s < count; s++)
        free(steps[s]);
    free(steps);
    free(sets);
    return code;
}

/* ---------------------------------------------------------------- parity */

struct parity {
    struct points {
        size_t count, capacity;
        double *x, *y;
    } * types;
    int failed;
};

static void add_point(void *context, int type, double reference, double predicted) {
    struct parity *parity = context;
    int k = type < 0 ? 0 : type;
    if (parity->types[k].count == parity->types[k].capacity) {
        size_t capacity = parity->types[k].capacity ? 2 * parity->types[k].capacity : 256;
        double *x = realloc(parity->types[k].x, capacity * sizeof *x);
        if (x)
            parity->types[k].x = x;
        double *y = realloc(parity->types[k].y, capacity * sizeof *y);
        if (y)
            parity->types[k].y = y;
        parity->failed |= !x || !y;
        if (parity->failed)
            return;
        parity->types[k].capacity = capacity;
    }
    parity->types[k].x[parity->types[k].count] = reference;
    parity->types[k].y[parity->types[k].count++] = predicted;
}

static int write_parity(struct session *session, const struct command_line *line, struct error *error) {
    const char *what = line->count > 3 ? line->words[3] : "forces", *where = line->count > 4 ? line->words[4] : "val";
    const char *const *names = model_type_names(trainer_model(session->trainer));
    int types = model_ntypes(trainer_model(session->trainer));
    size_t count = 0;
    int forces = !strcmp(what, "forces"), role = 0, code;
    if (!forces && strcmp(what, "energy"))
        return error_set(error, ERROR_NAME, "parity of forces or of energy, not of \"%s\"", what);
    while (role < ROLE_COUNT && strcmp(where, data_role_name((enum data_role)role)))
        role++;
    if (role == ROLE_COUNT)
        return error_set(error, ERROR_NAME, "the data sets are train, val and test, not \"%s\"", where);
    struct parity parity = {.types = calloc((size_t)types + 1, sizeof *parity.types)};
    struct figure_set *sets = calloc((size_t)types + 1, sizeof *sets);
    code = sets && parity.types
               ? trainer_parity(session->trainer, (enum data_role)role, 0, forces, add_point, &parity, error)
               : error_memory(error);
    if (!code && parity.failed)
        code = error_memory(error);
    for (int k = 0; !code && k < types; k++)
        if (parity.types[k].count)
            sets[count++] = (struct figure_set){forces ? names[k] : where, parity.types[k].count, parity.types[k].x,
                                                parity.types[k].y};
    if (!code && !count)
        code = error_set(error, ERROR_DATA, "the %s data have no labels of %s", where, what);
    struct figure figure = {.title = forces ? "forces" : "energy",
                            .x_label = forces ? "reference, eV/\xc3\x85" : "reference, eV/atom",
                            .y_label = forces ? "predicted, eV/\xc3\x85" : "predicted, eV/atom",
                            .dots = 1,
                            .square = 1,
                            .count = count,
                            .sets = sets};
    if (!code)
        code = figure_write(&figure, line->words[1], error);
    for (int k = 0; parity.types && k < types; k++) {
        free(parity.types[k].x);
        free(parity.types[k].y);
    }
    free(parity.types);
    free(sets);
    return code;
}

static int exec_export(struct session *session, const struct command_line *given, struct error *error) {
    struct command_line words = *given, *line = &words;
    int force = command_forced(line);
    const char *path = line->words[1];
    int csv = text_ends_with(path, ".csv"), logarithmic = 0, code = 0;
    size_t count = 0;
    if (!csv && !text_ends_with(path, ".svg") && !text_ends_with(path, ".png"))
        return error_set(error, ERROR_USAGE, "%s: curves are exported to a .csv, .svg or .png file", path);
    if ((code = session_may_write(session, path, force, error)))
        return code;
    if (line->count > 2 && !strcmp(line->words[2], "parity")) {
        if (csv || line->count > 5)
            return error_set(error, ERROR_USAGE, "usage: export FILE.svg parity [forces|energy] [train|val|test]");
        code = write_parity(session, line, error);
    } else {
        const struct series **list = malloc((COMMAND_MAX_WORDS + session->series.count) * sizeof *list);
        if (!list)
            return error_memory(error);
        for (int k = 2; !code && k < line->count; k++)
            if (!strcmp(line->words[k], "log"))
                logarithmic = 1;
            else
                code = session_find_series(session, line->words[k], &list[count++], error);
        for (size_t k = 0; !code && line->count - logarithmic == 2 && k < session->series.count; k++)
            if (csv || !strncmp(session->series.list[k]->name, "train_loss_step/weighted", 24))
                list[count++] = session->series.list[k];
        if (!code && !count)
            code = error_set(error, ERROR_STATE, "nothing has been trained in this session, so there is no curve yet");
        if (!code)
            code = csv ? write_csv(list, count, path, error) : write_curves(list, count, logarithmic, path, error);
        free(list);
    }
    if (code)
        return code;
    session_wrote(session, path);
    session_print(session, "wrote %s\n", path);
    return 0;
}

static const struct command commands[] = {
    {.name = "export",
     .usage = "export FILE.csv|svg|png [CURVE...] [log] [force]",
     .min = 1,
     .max = 40,
     .flags = COMMAND_OPEN | COMMAND_LIVE | COMMAND_FILES,
     .summary = "write curves, or a parity plot, to a file",
     .help = "    export loss.svg weighted_sum log; export all.csv; export forces.png parity forces val: predictions "
             "against\n"
             "    labels, a colour for each type.",
     .exec = exec_export},
};

const struct command_group commands_figure = {
    .name = "figures",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
