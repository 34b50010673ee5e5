#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"
#include "base/print.h"
#include "config/node.h"
#include "console.h"
#include "draft_config.h"
#include "train/run/bench.h"
#include "train/run/trainer.h"
#include "verb.h"

static const struct argument options[] = {
    {"output", 'o', "FILE", "where the config goes; standard output without it"},
    {"force", 'f', NULL, "write over a file that is there"},
    {"threads", 0, "N", "threads to compute with, when a step is timed"},
};
enum { OUTPUT, FORCE, THREADS, OPTIONS };

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void add_time(struct text *out, double seconds) {
    if (seconds < 0.1)
        text_format(out, "%.2g ms", 1e3 * seconds);
    else if (seconds < 100)
        text_format(out, "%.2g s", seconds);
    else if (seconds < 100 * 60)
        text_format(out, "%.0f min", seconds / 60);
    else
        text_format(out, "%.3g h", seconds / 3600);
}

/* The config is opened as `run` opens it, so that it trains as it stands; some steps are timed. */
static int measure(const struct draft *draft, long threads, struct text *remarks, struct error *error) {
    enum { REPEATS = 9 };
    struct trainer_options trainer_options = {.threads = (int)threads};
    double step[REPEATS], eval[REPEATS];
    struct trainer_bench bench = {.repeats = REPEATS, .step = step, .eval = eval};
    struct trainer *trainer = NULL;
    struct config *config = NULL;
    struct text yaml = {0};
    int code;

    draft_write(draft, NULL, &yaml);
    code = yaml.failed ? error_memory(error) : config_parse(&config, "the new config", yaml.data, yaml.size, error);
    if (code || (code = trainer_open(&trainer, config, &trainer_options, error)) ||
        (code = trainer_bench(trainer, &bench, error)))
        goto out;
    qsort(step, REPEATS, sizeof *step, by_value);
    qsort(eval, REPEATS, sizeof *eval, by_value);
    size_t batches = (draft->train + draft->batch - 1) / draft->batch;
    size_t validated = ((draft->val ? draft->val : draft->train) + draft->batch - 1) / draft->batch;
    double epoch = step[REPEATS / 2] * (double)batches + eval[REPEATS / 2] * (double)validated;
    text_add(remarks, "Measured here: a step takes ");
    add_time(remarks, step[REPEATS / 2]);
    text_add(remarks, ", an epoch about ");
    add_time(remarks, epoch);
    text_format(remarks, ", all %zu of them ", draft->epochs);
    add_time(remarks, epoch * (double)draft->epochs);
    text_format(remarks, " (%zu parameters, %d thread%s, %.0f MB of memory).\n", model_size(trainer_model(trainer)),
                team_size(trainer_team(trainer)), team_size(trainer_team(trainer)) == 1 ? "" : "s",
                1e-6 * (double)memory_high_water());
out:
    text_free(&yaml);
    trainer_free(trainer);
    config_free(config);
    return code;
}

static int write_config(const struct text *yaml, const char *path, struct error *error) {
    struct file_writer *writer = NULL;
    int code = file_writer_open(&writer, path, error);

    if (code)
        return code;
    fwrite(yaml->data, 1, yaml->size, file_writer_stream(writer));
    return file_writer_commit(writer, error);
}

static int run(const struct arguments *arguments, struct error *error) {
    const char *data = arguments->rest[0], *output = arguments->value[OUTPUT];
    const char *const inputs[] = {data};
    struct text yaml = {0}, remarks = {0};
    struct dataset *dataset = NULL;
    struct draft draft = {0};
    struct console console;
    long threads = 0;
    int code;

    console_init(&console);
    console_take_log(&console);
    console.keep = console.once = 1; /* the data are read again by the run that is measured */
    if ((code = arguments_integer(arguments, options, THREADS, 1, 1024, &threads, error)) ||
        (code = verb_check_output(options[OUTPUT].name, output, inputs, 1, NULL, error)))
        goto out;
    if (output && !arguments->value[FORCE] && file_exists(output)) {
        code = error_set(error, ERROR_IO, "%s is there already: --force writes over it", output);
        goto out;
    }
    dataset = dataset_new();
    code = dataset ? dataset_read(dataset, data, NULL, error) : error_memory(error);
    if (code || (code = draft_make(&draft, dataset, data, error)))
        goto out;
    dataset_free(dataset);
    dataset = NULL;
    if ((code = measure(&draft, threads, &remarks, error)))
        goto out;
    draft_write(&draft, remarks.data, &yaml);
    if (yaml.failed || remarks.failed)
        code = error_memory(error);
    else if (output)
        code = write_config(&yaml, output, error);
    else
        console_write(stdout, "%s", yaml.data);
    if (!code && output)
        print_file(stdout, "%s: %zu frame%s, %d element%s, cutoff %.1f A\n%sfettle run %s -o results\n", output,
                   draft.frames, draft.frames == 1 ? "" : "s", draft.types, draft.types == 1 ? "" : "s", draft.r_max,
                   remarks.data, output);
out:
    dataset_free(dataset);
    draft_free(&draft);
    text_free(&yaml);
    text_free(&remarks);
    log_set_sink(NULL, NULL);
    console_close_log(&console);
    return code;
}

const struct verb verb_new = {
    .name = "new",
    .usage = "DATA.xyz [-o CONFIG.yaml] [--force] [--threads N]",
    .summary = "write a first config for a file of frames",
    .help = "The config is one of NequIP's: elements, cutoff, split, batches, shifts, scales and labels are taken from "
            "the\n"
            "frames, and keys of other names become a key_mapping.  The model is a small one; it is built, and a step\n"
            "of it is timed, which takes some seconds.  DATA.xyz@:1000 takes the first thousand frames.",
    .options = options,
    .noptions = OPTIONS,
    .low = 1,
    .high = 1,
    .run = run,
};
