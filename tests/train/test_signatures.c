/* Every argument of what a config names has a verdict: it is read, or ignored, or refused, for a reason.
 * make_signatures.py wrote the arguments that there are. */
#include "runs.h"

#include "base/file.h"
#include "data/module/datamodule.h"
#include "model/builder/builder.h"
#include "model/module/pair_potential.h"
#include "train/run/callback.h"
#include "train/metric/metrics_entry.h"
#include "train/optimizer/optimizer.h"
#include "train/run/trainer_check.h"
#include "train/run/trainer_options.h"
#include "train/scheduler/scheduler_kind.h"
#include "train/run/trainer_internal.h"
#include "train/run/composition.h"

struct rows {
    const struct option *rows[8];
    size_t counts[8], tables;
};

static void put(struct rows *out, const struct option *rows, size_t count) {
    out->rows[out->tables] = rows;
    out->counts[out->tables++] = count;
}

/* The tables of a class. */
static struct rows rows_of(const char *name) {
    static const struct {
        const char *name;
        enum loader_sampler sampler;
    } samplers[] = {{"torch.utils.data.RandomSampler", SAMPLER_RANDOM},
                    {"torch.utils.data.SequentialSampler", SAMPLER_SEQUENTIAL},
                    {"torch.utils.data.SubsetRandomSampler", SAMPLER_SUBSET},
                    {"torch.utils.data.WeightedRandomSampler", SAMPLER_WEIGHTED}};
    struct rows out = {0};
    size_t count;
    const struct option *rows = NULL;
    if (!strcmp(name, "lightning.pytorch.Trainer"))
        rows = trainer_settings_rows(&count);
    else if (!strcmp(name, "torch.utils.data.DataLoader"))
        rows = loader_settings_rows(&count);
    else if (!strcmp(name, "lightning.pytorch.utilities.types.LRSchedulerConfig"))
        rows = schedule_settings_rows(&count);
    for (int k = 0; k < 4; k++)
        if (!strcmp(name, samplers[k].name))
            rows = loader_sampler_rows(samplers[k].sampler, &count);
    if (rows)
        put(&out, rows, count);
    for (size_t k = 0; k < datamodule_kind_count; k++)
        if (!strcmp(name, datamodule_kinds[k]->target.target))
            put(&out, datamodule_kinds[k]->options, datamodule_kinds[k]->noptions);
    for (size_t k = 0; k < callback_kind_count; k++)
        if (!strcmp(name, callback_kinds[k]->target.target))
            put(&out, callback_kinds[k]->options, callback_kinds[k]->noptions);
    for (size_t k = 0; k < composition_kind_count; k++)
        if (!strcmp(name, composition_kinds[k]->target.target)) {
            put(&out, composition_module_rows(&count), 0);
            out.counts[out.tables - 1] = count;
            for (int l = 0; l < MAX_LAYERS && composition_kinds[k]->layers[l]; l++)
                put(&out, composition_kinds[k]->layers[l]->options, composition_kinds[k]->layers[l]->noptions);
        }
    for (size_t k = 0; k < builder_count; k++)
        if (!strcmp(name, builders[k]->target)) {
            put(&out, builders[k]->options, builders[k]->noptions);
            put(&out, builder_common_options, builder_common_option_count);
        }
    for (size_t k = 0; k < pair_potential_count; k++)
        if (!strcmp(name, pair_potentials[k].target))
            put(&out, pair_potentials[k].options, pair_potentials[k].noptions);
    for (size_t k = 0; k < metric_kind_count; k++)
        if (!strcmp(name, metric_kinds[k]->target.target))
            put(&out, metric_kinds[k]->options, metric_kinds[k]->noptions);
    for (size_t k = 0; k < optimizer_kind_count; k++)
        if (!strcmp(name, optimizer_kinds[k]->target.target))
            put(&out, optimizer_kinds[k]->options, optimizer_kinds[k]->noptions);
    for (size_t k = 0; k < scheduler_kind_count; k++)
        if (!strcmp(name, scheduler_kinds[k]->target.target))
            put(&out, scheduler_kinds[k]->options, scheduler_kinds[k]->noptions);
    return out;
}

static const struct option *find(const struct rows *rows, const char *argument) {
    for (size_t t = 0; t < rows->tables; t++)
        for (size_t k = 0; k < rows->counts[t]; k++)
            if (!strcmp(rows->rows[t][k].name, argument))
                return &rows->rows[t][k];
    return NULL;
}

Test(signatures, each_argument_has_a_verdict) {
    struct error error = {0};
    char *text, *line, *rest;
    size_t size, seen = 0;
    cr_assert_eq(file_read(TEST_DATA_DIR "/signatures.txt", &text, &size, &error), 0, "%s", error.message);
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), seen++) {
        char *argument = strchr(line, ' ');
        cr_assert_not_null(argument, "%s", line);
        *argument++ = 0;
        struct rows rows = rows_of(line);
        cr_expect(rows.tables, "%s is not known", line);
        const struct option *option = find(&rows, argument);
        cr_expect_not_null(option, "%s: nothing is said of %s", line, argument);
        if (option && (option->flags & (OPTION_IGNORED | OPTION_REFUSED)))
            cr_expect(option->help && strlen(option->help) > 8 && !strstr(option->help, "no meaning here"),
                      "%s: %s without a reason", line, argument);
    }
    cr_expect_gt(seen, 100);
    free(text);
}
