#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/text.h"
#include "config/node.h"
#include "console.h"
#include "graph/run/profile.h"
#include "train/run/bench.h"
#include "train/run/trainer.h"
#include "verb.h"

static const struct argument options[] = {
    {"threads", 0, "N", "threads to compute with"},
    {"json", 0, "FILE", "write the numbers as JSON"},
    {"repeats", 0, "N", "how many steps and evaluations to time; 40 without it"},
    {"top", 0, "N", "how many modules and instructions to list, the longest first; 12 without it"},
    {"memory", 0, "MB", "larger buffers are worked through in chunks; 1024 (evaluation: 64) without it, 0: no bound"},
};
enum { THREADS, JSON, REPEATS, TOP, MEMORY, OPTIONS };

struct quartiles {
    double low, median, high; /* ms */
};

struct result {
    struct quartiles step, eval;
    double atoms, edges;       /* of a batch, mean */
    size_t parameters, memory; /* numbers; bytes, at most */
    int threads;
    const struct program *programs[2]; /* of the step, of the evaluation; instructions timed */
};

static const char *const program_names[2] = {"step", "eval"};

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Linear between neighbours. */
static double quantile(const double *sorted, long count, double share) {
    double place = share * (double)(count - 1);
    long below = (long)place;

    return below + 1 < count ? sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below])
                             : sorted[count - 1];
}

static struct quartiles quartiles_of(double *seconds, long count) {
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    return (struct quartiles){1e3 * quantile(seconds, count, 0.25), 1e3 * quantile(seconds, count, 0.5),
                              1e3 * quantile(seconds, count, 0.75)};
}

static int measure(struct trainer *trainer, long repeats, struct result *out, struct error *error) {
    struct trainer_bench bench = {.repeats = (int)repeats};
    int code;

    bench.step = calloc((size_t)repeats, sizeof *bench.step);
    bench.eval = calloc((size_t)repeats, sizeof *bench.eval);
    if (!bench.step || !bench.eval)
        code = error_memory(error);
    else
        code = trainer_bench(trainer, &bench, error);
    if (!code)
        *out = (struct result){.step = quartiles_of(bench.step, repeats),
                               .eval = quartiles_of(bench.eval, repeats),
                               .atoms = bench.atoms,
                               .edges = bench.edges,
                               .parameters = model_size(trainer_model(trainer)),
                               .memory = memory_high_water(),
                               .threads = team_size(trainer_team(trainer)),
                               .programs = {trainer_program(trainer), trainer_eval_program(trainer)}};
    free(bench.step);
    free(bench.eval);
    return code;
}

/* ---------------------------------------------------------------- as text */

static void print_time(const char *name, double seconds, double flops, double total) {
    console_write(stdout, "  %-58s %8.3f %6.1f", name, 1e3 * seconds, total > 0 ? 100 * seconds / total : 0);
    if (flops > 0 && seconds > 0)
        print_file(stdout, " %8.1f", 1e-9 * flops / seconds);
    printf("\n");
}

/* The time of the whole program goes to *total. */
static int print_profile(const struct program *program, enum profile_key key, const char *of, long most, double *total,
                         struct error *error) {
    struct profile profile;
    int code = profile_make(&profile, program, key, error), width = 56 - (int)strlen(of);

    if (code)
        return code;
    printf("\n%s by %-*s %8s %6s %8s\n", of, width, key == PROFILE_OP ? "op" : "module", "ms", "%", "GFLOP/s");
    for (size_t k = 0; k < profile.count && (long)k < most; k++)
        print_time(profile.rows[k].name[0] ? profile.rows[k].name : "(none)", profile.rows[k].seconds,
                   profile.rows[k].flops, profile.seconds);
    *total = profile.seconds;
    profile_free(&profile);
    return 0;
}

static int print_instructions(const struct program *program, const char *of, long most, double total,
                              struct error *error) {
    int *order = profile_order(program), count = program_instructions(program);

    if (!order)
        return error_memory(error);
    printf("\n%s by instruction, %ld of %d\n", of, most < count ? most : count, count);
    for (int k = 0; k < count && k < most; k++) {
        struct instruction_info info;
        char line[256];
        program_instruction(program, order[k], &info);
        snprintf(line, sizeof line, "%4d %-17s %-18s %s", order[k], info.op, info.shape,
                 info.module ? info.module : "");
        print_time(line, info.seconds, info.flops, total);
    }
    free(order);
    return 0;
}

static int print_text(const struct result *result, enum dtype dtype, long top, struct error *error) {
    static const char *const names[2] = {"training step", "evaluation"};
    int code = 0;

    print_file(stdout, "training step  %9.3f ms   (quartiles %.3f and %.3f)\n", result->step.median, result->step.low,
               result->step.high);
    print_file(stdout, "evaluation     %9.3f ms   (quartiles %.3f and %.3f)\n", result->eval.median, result->eval.low,
               result->eval.high);
    print_file(stdout, "%.1f atoms and %.1f edges a batch, %zu parameters, %s, %d thread%s\n", result->atoms,
               result->edges, result->parameters, dtype_name(dtype), result->threads, result->threads == 1 ? "" : "s");
    print_file(stdout, "memory: %.1f MB at most; buffers of the step %.1f MB, of the evaluation %.1f MB\n",
               1e-6 * (double)result->memory, 1e-6 * (double)program_memory(result->programs[0]),
               1e-6 * (double)program_memory(result->programs[1]));
    for (int k = 0; k < 2 && !code && top; k++) {
        const struct program *program = result->programs[k];
        double total = 0;
        if (!(code = print_profile(program, PROFILE_MODULE, names[k], top, &total, error)) &&
            !(code = print_profile(program, PROFILE_OP, names[k], 1000, &total, error)))
            code = print_instructions(program, names[k], top, total, error);
    }
    return code;
}

/* ---------------------------------------------------------------- as JSON */

static void write_profile(FILE *out, const struct profile *profile, const char *key) {
    for (size_t k = 0; k < profile->count; k++)
        print_file(
            out, "%s\n   {\"%s\": \"%s\", \"instructions\": %d, \"ms\": %.6g, \"share\": %.6g, \"gflops\": %.6g}",
            k ? "," : "", key, profile->rows[k].name, profile->rows[k].instructions, 1e3 * profile->rows[k].seconds,
            profile->seconds > 0 ? profile->rows[k].seconds / profile->seconds : 0,
            profile->rows[k].seconds > 0 ? 1e-9 * profile->rows[k].flops / profile->rows[k].seconds : 0);
}

static int write_program(FILE *out, const char *name, const struct program *program, struct error *error) {
    struct profile modules = {0}, ops = {0};
    int code;

    if ((code = profile_make(&modules, program, PROFILE_MODULE, error)) ||
        (code = profile_make(&ops, program, PROFILE_OP, error)))
        goto out;
    print_file(out, ",\n \"%s\": {\"buffers_mb\": %.6g, \"timed_ms\": %.6g,\n  \"modules\": [", name,
               1e-6 * (double)program_memory(program), 1e3 * modules.seconds);
    write_profile(out, &modules, "module");
    fprintf(out, "],\n  \"ops\": [");
    write_profile(out, &ops, "op");
    fprintf(out, "],\n  \"instructions\": [");
    for (int k = 0; k < program_instructions(program); k++) {
        struct instruction_info info;
        program_instruction(program, k, &info);
        print_file(out,
                   "%s\n   {\"op\": \"%s\", \"shape\": \"%s\", \"module\": \"%s\", \"ms\": %.6g, \"share\": %.6g, "
                   "\"gflops\": %.6g}",
                   k ? "," : "", info.op, info.shape, info.module ? info.module : "", 1e3 * info.seconds,
                   modules.seconds > 0 ? info.seconds / modules.seconds : 0,
                   info.seconds > 0 ? 1e-9 * info.flops / info.seconds : 0);
    }
    fprintf(out, "]}");
out:
    profile_free(&modules);
    profile_free(&ops);
    return code;
}

static int write_json(const struct result *result, const char *path, struct error *error) {
    struct file_writer *writer = NULL;
    int code = file_writer_open(&writer, path, error);

    if (code)
        return code;
    FILE *out = file_writer_stream(writer);
    print_file(out,
               "{\"train_step_ms\": %.6g, \"train_step_q1_ms\": %.6g, \"train_step_q3_ms\": %.6g,\n"
               " \"eval_ms\": %.6g, \"eval_q1_ms\": %.6g, \"eval_q3_ms\": %.6g,\n"
               " \"atoms\": %.6g, \"edges\": %.9g, \"parameters\": %zu, \"threads\": %d, \"memory_mb\": %.6g",
               result->step.median, result->step.low, result->step.high, result->eval.median, result->eval.low,
               result->eval.high, result->atoms, result->edges, result->parameters, result->threads,
               1e-6 * (double)result->memory);
    for (int k = 0; k < 2 && !code; k++)
        code = write_program(out, program_names[k], result->programs[k], error);
    fprintf(out, "}\n");
    if (!code)
        return file_writer_commit(writer, error);
    file_writer_abort(writer);
    return code;
}

static int run(const struct arguments *arguments, struct error *error) {
    struct trainer *trainer = NULL;
    struct config *config = NULL;
    struct result result = {0};
    long threads = 0, repeats = 40, top = 12;
    size_t memory;
    const char *const inputs[] = {arguments->rest[0]};
    int code;

    if ((code = arguments_integer(arguments, options, THREADS, 1, 1024, &threads, error)) ||
        (code = arguments_integer(arguments, options, REPEATS, 1, 1000000, &repeats, error)) ||
        (code = arguments_integer(arguments, options, TOP, 0, 1000000, &top, error)) ||
        (code = arguments_memory(arguments, options, MEMORY, &memory, error)))
        return code;
    if ((code = verb_read_config(&config, arguments, error)) ||
        (code = verb_check_output(options[JSON].name, arguments->value[JSON], inputs, 1,
                                  config_get(config_root(config), "data"), error)))
        goto out;
    struct trainer_options trainer_options = {.threads = (int)threads, .memory = memory};
    if ((code = trainer_open(&trainer, config, &trainer_options, error)) ||
        (code = measure(trainer, repeats, &result, error)))
        goto out;
    code = print_text(&result, model_dtype(trainer_model(trainer)), top, error);
    if (!code && arguments->value[JSON])
        code = write_json(&result, arguments->value[JSON], error);
out:
    trainer_free(trainer);
    config_free(config);
    return code;
}

const struct verb verb_bench = {
    .name = "bench",
    .usage = "CONFIG.yaml [--threads N] [--repeats N] [--top N] [--memory MB] [--json FILE] [key=value...]",
    .summary = "time a training step and an evaluation",
    .help =
        "A training step is forward, loss, backward, optimizer and EMA; an evaluation is energies, forces and stress.\n"
        "Batches are prepared before the clock starts.  Then one batch is run again instruction by instruction, and "
        "the\n"
        "time is told by module, by op and by instruction; the threads meet after each, so the sum is longer than a\n"
        "step's program, and what the optimizer does is no part of it.  Nothing is written but FILE.",
    .options = options,
    .noptions = OPTIONS,
    .low = 1,
    .high = -1,
    .run = run,
};
