#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "config/node.h"
#include "console.h"
#include "session/progress.h"
#include "signals.h"
#include "train/run/point.h"
#include "train/run/trainer.h"
#include "verb.h"

static const struct argument options[] = {
    {"output", 'o', "DIR", "the run's folder; hydra.run.dir of the config without it, or outputs/DATE/TIME"},
    {"init", 0, "WEIGHTS", "weights to start from (safetensors)"},
    {"resume", 0, "CKPT", "checkpoint to go on from"},
    {"force", 0, NULL, "put the run in the place of one that DIR holds: its files are removed"},
    {"replay", 0, "AUDIT", "make the changes of an audit log again"},
    {"threads", 0, "N", "threads to compute with"},
    {"memory", 0, "MB", "larger buffers are worked through in chunks; 1024 (evaluation: 64) without it, 0: no bound"},
};
enum { OUTPUT, INIT, RESUME, FORCE, REPLAY, THREADS, MEMORY, OPTIONS };

struct running {
    struct console console;
    struct trainer *trainer; /* NULL until it is open */
    struct progress progress;
};

static void on_event(void *context, enum trainer_event event, const char *text) {
    struct running *running = context;
    struct text line = {0};

    switch (event) {
    case EVENT_EPOCH:
        progress_epoch(running->trainer, &line);
        console_say(&running->console, "%s", line.data ? line.data : "");
        break;
    case EVENT_STOP:
        console_say(&running->console, "training has ended: %s", text ? text : "");
        break;
    case EVENT_NOTICE:
        console_say(&running->console, "notice: %s", text ? text : "");
        break;
    case EVENT_CHECKPOINT:
    case EVENT_ROW:
        break;
    }
    text_free(&line);
}

static void draw(struct running *running) {
    struct text line = {0};

    if (!running->console.live || !progress_due(&running->progress))
        return;
    progress_line(&running->progress, running->trainer, &line);
    console_progress(&running->console, line.data ? line.data : "");
    text_free(&line);
}

/* Writes the state, so that --resume goes on there. */
static int keep_state(struct running *running, const char *why, struct error *error) {
    struct error first = {0};
    int failed = trainer_exception(running->trainer, &first), code = trainer_keep(running->trainer, error);

    if (failed)
        console_error(&running->console, &first);
    console_progress(&running->console, "");
    if (!code)
        console_say(&running->console, "%s; --resume %s/last.safetensors goes on", why,
                    trainer_output(running->trainer));
    return code;
}

/* An error ends the run, not what it has trained: the state before the batch that failed is kept. */
static void rescue(struct running *running, const struct error *cause) {
    struct error error = {0};
    char why[1536];

    if (trainer_accepted(running->trainer) > 0 && keep_state(running, "the state before the error is saved", &error) &&
        strcmp(error.message, cause->message))
        console_say(&running->console, "the run is not saved: %s", error_format(&error, why, sizeof why));
}

static void save_if_asked(struct running *running) {
    struct error why = {0};

    if (trainer_global_step(running->trainer) == 0 || !signals_save_asked())
        return;
    if (trainer_unkept(running->trainer) && trainer_keep(running->trainer, &why))
        console_error(&running->console, &why);
    else
        console_say(&running->console, "saved %s/last.safetensors, as was asked for by a signal",
                    trainer_output(running->trainer));
}

/* Stops at a batch boundary, or within a validation, where a signal asks for it. */
static int run_all(struct running *running, struct error *error) {
    int code = 0;

    progress_begin(&running->progress, running->trainer);
    while (!code && !trainer_done(running->trainer)) {
        code = trainer_step(running->trainer, error);
        if (!code) {
            draw(running);
            save_if_asked(running);
        }
        if (!code && signals_interrupted() && !trainer_done(running->trainer))
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
    }
    if (code == ERROR_INTERRUPT) {
        error_clear(error);
        if (!(code = keep_state(running, "interrupted", error)))
            code = error_set(error, ERROR_INTERRUPT, "interrupted");
    } else if (code) {
        rescue(running, error);
    }
    console_progress(&running->console, "");
    return code;
}

static void print_results(const struct trainer *trainer) {
    double value;

    for (size_t k = 0; k < trainer_metrics(trainer); k++) {
        const char *name = trainer_metric_name(trainer, k);
        int wanted = strncmp(name, "val", 3) == 0 || strncmp(name, "test", 4) == 0;
        if (wanted && strstr(name, "_epoch/") && trainer_metric(trainer, name, &value))
            console_write(stdout, "%-40s %.6g\n", name, value);
    }
    console_write(stdout, "%.1f s of training; results in %s\n", trainer_seconds(trainer), trainer_output(trainer));
}

static void open_log(struct running *running) {
    struct text path = {0};

    text_format(&path, "%s/run.log", trainer_output(running->trainer));
    if (!path.failed)
        console_open_log(&running->console, path.data);
    text_free(&path);
}

/* The caller prints the error; the log has it as well. */
static void log_error(struct running *running, const struct error *error) {
    char text[1536];

    for (size_t k = 0; running->console.log && error_format_all(error, k, text, sizeof text); k++)
        console_write(running->console.log, "%s\n", text);
}

static int run(const struct arguments *arguments, struct error *error) {
    struct running running = {.trainer = NULL};
    struct config *config = NULL;
    char *folder = NULL;
    long threads = 0;
    size_t memory = 0;
    int code;

    console_init(&running.console);
    console_take_log(&running.console);
    running.console.keep = 1;
    if ((code = arguments_integer(arguments, options, THREADS, 1, 1024, &threads, error)) ||
        (code = arguments_memory(arguments, options, MEMORY, &memory, error)))
        return code;
    if ((code = verb_read_config(&config, arguments, error)))
        goto out;
    if (!arguments->value[OUTPUT])
        code = config_run_dir(config, &folder, error);
    else if (!(folder = strdup(arguments->value[OUTPUT])))
        code = error_memory(error);
    int named = folder != NULL;
    if (!code && !named)
        code = progress_default_output(&folder, NULL, error);
    if (code)
        goto out;
    struct trainer_options trainer_options = {.output = folder,
                                              .init = arguments->value[INIT],
                                              .resume = arguments->value[RESUME],
                                              .force = arguments->value[FORCE] != NULL,
                                              .replay = arguments->value[REPLAY],
                                              .threads = (int)threads,
                                              .memory = memory,
                                              .event = on_event,
                                              .context = &running};
    if ((code = trainer_open(&running.trainer, config, &trainer_options, error))) {
        if (!named)
            progress_discard_output(folder);
        goto out;
    }
    open_log(&running);
    code = run_all(&running, error);
    if (!code)
        print_results(running.trainer);
    else if (error->code != ERROR_INTERRUPT)
        log_error(&running, error);
out:
    trainer_free(running.trainer);
    config_free(config);
    free(folder);
    log_set_sink(NULL, NULL);
    console_close_log(&running.console);
    return code;
}

const struct verb verb_run = {
    .name = "run",
    .usage = "CONFIG.yaml [-o DIR] [--force] [--init WEIGHTS] [--resume CKPT] [--replay AUDIT] [key=value...]",
    .summary = "train: everything that `run` of a config says",
    .help =
        "Overrides are key=value (the key exists), +key=value (it does not), ++key=value (either), ~key (removed).\n"
        "The folder gets the config as given and as resolved, metrics.csv, last.safetensors and a log.  One that\n"
        "holds a run is refused, unless the run goes on from there (--resume) or takes its place (--force).  Ctrl-C\n"
        "ends after the batch and writes last.safetensors; a second one ends at once.  So does SIGTERM; at SIGUSR1 or\n"
        "SIGUSR2 last.safetensors is written and the run goes on.",
    .options = options,
    .noptions = OPTIONS,
    .low = 1,
    .high = -1,
    .run = run,
};
