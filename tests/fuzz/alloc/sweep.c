/* The N-th allocation fails, for every N: what comes of it is success, or an error that says so; nothing is lost, and
 * nothing crashes.
 *
 *     alloc_sweep TESTS-UI [-s STRIDE] [-f FIRST] [-l LAST] [-a] [-j JOBS] [-v] [SCENARIO...]
 *
 * -a: all allocations from the N-th on fail.  -v: where the N-th is, for one that is looked into (-f N -l N).  Each N
 * is tried in a child of its own, in a folder of its own; under AddressSanitizer leaks count as well.  The report of a
 * child that went wrong stays beside as SCENARIO-N.log in the current folder. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "fails.h"
#include "fettle/fettle.h"
#include "session/session.h"
#include "train/core/state.h"
#include "train/run/trainer.h"

/* Reports are told from ordinary ends by these. */
const char *__asan_default_options(void);
const char *__lsan_default_options(void);
const char *__asan_default_options(void) {
    return "exitcode=99:allocator_may_return_null=1";
}
const char *__lsan_default_options(void) {
    return "exitcode=98";
}

enum { SEED_STEPS = 3, PATIENCE = 600 /* seconds, of a child that hangs */ };

/* How a child ends. */
enum end { END_DONE, END_SILENT, END_MEMORY, END_OTHER, END_NO_TEXT, END_OTHER_BITS, ENDS };
static const char *const end_names[ENDS] = {
    "absorbed", "absorbed without a word", "said so", "another error", "no text", "other numbers"};

/* What the child in which nothing fails tells its parent. */
struct told {
    long count;
    uint64_t hash;
};

static struct {
    char ui[PATH_MAX], work[PATH_MAX];
    struct config *config; /* of tests/ui, its files by their paths */
    struct told *told;
    uint64_t hash; /* of the state in the end, where the scenario has one */
    int warned;
} sweep;

/* ---------------------------------------------------------------- scenarios */

static void listen(void *context, enum log_level level, const char *message) {
    (void)context, (void)message;
    sweep.warned |= level >= LOG_WARNING;
}

static int execute(const char *const *lines, struct error *error) {
    struct session_options options = {.threads = 1};
    struct session *session;
    int code = session_new(&session, &options, error);
    for (; !code && *lines; lines++)
        code = session_execute(session, *lines, error);
    session_free(session);
    return code;
}

static int run_session(struct error *error) {
    static const char *const lines[] = {"open config.yaml", "step", "print", "save a.safetensors", "step", NULL};
    return execute(lines, error);
}

static int run_commands(struct error *error) {
    static const char *const lines[] = {"open config.yaml trainer.max_epochs=5",
                                        "step 2",
                                        "break lr > 5",
                                        "watch lr",
                                        "display lr",
                                        "tree",
                                        "info data",
                                        "info program",
                                        "worst 2",
                                        "hist layer0_convnet",
                                        "checkpoint a",
                                        "set lr 0.003",
                                        "step",
                                        "strategy base",
                                        "step",
                                        "optimizer sgd",
                                        "next",
                                        "rewind 2",
                                        "fork 2 set lr 0.001",
                                        "diff",
                                        "keep other",
                                        "plot",
                                        "export a.svg",
                                        "audit",
                                        "module layer0_convnet",
                                        "freeze type_embed",
                                        "step",
                                        "validate",
                                        "save s.yaml s.safetensors",
                                        "open s.yaml",
                                        "step",
                                        "open config.yaml",
                                        "build NequIPGNNModel num_features=3",
                                        "build accept",
                                        "step",
                                        NULL};
    return execute(lines, error);
}

/* Every piece of the C API. */
static int run_api(struct error *error) {
    double positions[] = {0, 0, 0.1, 0, 0.76, -0.48, 0.1, -0.76, -0.48}, cell[] = {6, 0, 0, 0, 6, 0, 0, 0, 6};
    double forces[9];
    int numbers[] = {8, 1, 1};
    struct fettle_frame frames[2] = {
        {.atoms = 3, .positions = positions, .numbers = numbers, .cell = cell, .pbc = {1, 0, 1}},
        {.atoms = 3, .positions = positions, .numbers = numbers}};
    struct fettle_result results[2] = {{.forces = forces}, {.energy = 0}};
    struct fettle_options options = {.version = FETTLE_OPTIONS_VERSION, .threads = 2};
    struct fettle_error why = {0};
    struct fettle_model *model = NULL;
    int status = fettle_open(&model, "good.safetensors", &options, &why);
    if (!status)
        status = fettle_evaluate(model, frames, 2, results, &why);
    fails_end();
    if (model && fettle_evaluate(model, frames, 2, results, NULL)) /* it works afterwards */
        abort();
    fettle_free(model);
    error->code = status == FETTLE_ERROR_MEMORY ? ERROR_MEMORY : status ? ERROR_DATA : ERROR_NONE;
    memcpy(error->message, why.message, sizeof error->message);
    return status;
}

static int train(const struct config *config, const char *resume, struct error *error) {
    struct trainer_options options = {.threads = 2, .output = "run", .resume = resume};
    struct trainer *trainer;
    int code = trainer_open(&trainer, config, &options, error);
    for (int k = 0; !code && k < 6 && !trainer_done(trainer); k++)
        code = trainer_step(trainer, error);
    fails_end();
    if (!code)
        sweep.hash = state_hash(trainer_state(trainer));
    trainer_free(trainer);
    return code;
}

static int run_resume(struct error *error) {
    return train(sweep.config, "good.safetensors", error);
}

/* A data file and its cache, statistics, a test with its frames written, a checkpoint for each epoch. */
static int run_files(struct error *error) {
    static const char *const changes[] = {
        "+data.stats_manager={_target_: nequip.data.CommonDataStatisticsManager, type_names: [H, O]}",
        "training_module.model.avg_num_neighbors='${training_data_stats:num_neighbors_mean}'",
        "+data.test_file_path=${data.val_file_path}",
        "+training_module.test_metrics=${training_module.val_metrics}",
        "run=[train, test]",
        "trainer.callbacks=[{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: kept, filename: best, "
        "monitor: val0_epoch/weighted_sum, save_last: true}, {_target_: nequip.train.callbacks.TestTimeXYZFileWriter, "
        "out_file: frames}]"};
    struct config *config = config_copy(sweep.config);
    int code = config ? 0 : error_set(error, ERROR_MEMORY, "out of memory");
    for (size_t k = 0; !code && k < sizeof changes / sizeof *changes; k++)
        code = config_override(config, changes[k], error);
    if (!code)
        code = train(config, NULL, error);
    fails_end();
    config_free(config);
    return code;
}

static const struct scenario {
    const char *name;
    int (*run)(struct error *error);
} scenarios[] = {
    {"session", run_session}, {"commands", run_commands}, {"api", run_api},
    {"resume", run_resume},   {"files", run_files},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

/* ---------------------------------------------------------------- a child */

static void need(int code, const struct error *error) {
    if (!code)
        return;
    fprintf(stderr, "cannot begin: %s\n", error->message);
    exit(2);
}

static void write_text(const char *path, const char *data, size_t size) {
    struct error error = {0};
    struct file_writer *writer;
    need(file_writer_open(&writer, path, &error), &error);
    fwrite(data, 1, size, file_writer_stream(writer));
    need(file_writer_commit(writer, &error), &error);
}

/* A folder with the files of tests/ui and a checkpoint to go on from. */
static void prepare(void) {
    static const char *const names[] = {"config.yaml", "water.xyz"};
    struct error error = {0};
    struct trainer *trainer;
    struct trainer_options options = {.threads = 1};
    char path[PATH_MAX + 32], *data;
    size_t size;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        snprintf(path, sizeof path, "%s/%s", sweep.ui, names[k]);
        need(file_read(path, &data, &size, &error), &error);
        write_text(names[k], data, size);
        free(data);
    }
    need(config_read(&sweep.config, "config.yaml", &error), &error);
    need(trainer_open(&trainer, sweep.config, &options, &error), &error);
    for (int k = 0; k < SEED_STEPS; k++)
        need(trainer_step(trainer, &error), &error);
    need(trainer_save(trainer, "good.safetensors", &error), &error);
    trainer_free(trainer);
}

/* In a folder that is removed by the parent. */
static enum end try_one(const struct scenario *scenario, long at, int on, uint64_t want) {
    struct error error = {0};
    alarm(PATIENCE);
    log_set_sink(listen, NULL);
    fails_begin(at, on);
    int code = scenario->run(&error);
    fails_end();
    if (!at)
        *sweep.told = (struct told){fails_count(), sweep.hash};
    config_free(sweep.config);
    sweep.config = NULL;
    if (!code)
        return at && sweep.hash != want ? END_OTHER_BITS : fails_happened() && !sweep.warned ? END_SILENT : END_DONE;
    fprintf(stderr, "error %d: %s\n", error.code, error.message);
    return !error.code || !error.message[0] ? END_NO_TEXT : error.code == ERROR_MEMORY ? END_MEMORY : END_OTHER;
}

static void enter(long at) {
    char folder[PATH_MAX + 32];
    static const char *const names[] = {"config.yaml", "water.xyz", "good.safetensors"};
    snprintf(folder, sizeof folder, "%s/%ld", sweep.work, at);
    if (mkdir(folder, 0700) || chdir(folder))
        _exit(2);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char from[PATH_MAX + 64];
        snprintf(from, sizeof from, "../%s", names[k]);
        if (link(from, names[k]))
            _exit(2);
    }
}

static pid_t begin(const struct scenario *scenario, long at, int on, int verbose, uint64_t want) {
    char log[PATH_MAX + 64];
    fflush(NULL);
    pid_t child = fork();
    if (child)
        return child;
    enter(at);
    snprintf(log, sizeof log, "%s/%ld.log", sweep.work, at);
    int fd = verbose ? -1 : open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0)
        dup2(fd, 2);
    fails_show(verbose);
    exit((int)try_one(scenario, at, on, want));
}

/* ---------------------------------------------------------------- all of them */

struct totals {
    long tried, ends[ENDS], crashes, leaks, hangs;
};

static void clear(long at) {
    char line[4 * PATH_MAX];
    snprintf(line, sizeof line, "rm -rf '%s/%ld' '%s/%ld.log'", sweep.work, at, sweep.work, at);
    if (system(line))
        perror("rm");
}

static void judge(const struct scenario *scenario, long at, int status, int on, const char *here,
                  struct totals *totals) {
    char line[4 * PATH_MAX];
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const char *what = NULL;
    totals->tried++;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        totals->hangs++, what = "hangs";
    else if (code == 98)
        totals->leaks++, what = "leaks";
    else if (code < 0 || code >= ENDS)
        totals->crashes++, what = "crashes";
    else
        totals->ends[code]++, what = code >= END_OTHER ? end_names[code] : NULL;
    if (what) {
        snprintf(line, sizeof line, "mv '%s/%ld.log' '%s/%s-%ld%s.log'", sweep.work, at, here, scenario->name, at,
                 on ? "-all" : "");
        printf("%s, allocation %ld%s: %s (status %x)\n", scenario->name, at, on ? " and all after it" : "", what,
               status);
        fflush(stdout);
        if (system(line))
            perror("mv");
    }
    clear(at);
}

static int sweep_one(const struct scenario *scenario, long first, long stride, long last, int on, int jobs, int verbose,
                     const char *here) {
    enum { JOBS = 64 };
    struct totals totals = {0};
    struct {
        pid_t pid;
        long at;
    } running[JOBS];
    int n = 0, status;
    waitpid(begin(scenario, 0, 0, 1, 0), &status, 0);
    clear(0);
    if (status) {
        printf("%s fails by itself: status %x\n", scenario->name, status);
        return 1;
    }
    uint64_t want = sweep.told->hash;
    if (!last)
        last = sweep.told->count;
    for (long at = first; at <= last || n;) {
        if (at <= last && n < jobs && n < JOBS) {
            running[n].at = at;
            running[n++].pid = begin(scenario, at, on, verbose, want);
            at += stride;
            continue;
        }
        pid_t pid = wait(&status);
        for (int k = 0; k < n; k++)
            if (running[k].pid == pid) {
                judge(scenario, running[k].at, status, on, here, &totals);
                running[k] = running[--n];
            }
    }
    printf("%s%s: %ld of %ld tried", scenario->name, on ? ", all from there on" : "", totals.tried, last);
    for (int k = 0; k < ENDS; k++)
        printf(", %ld %s", totals.ends[k], end_names[k]);
    printf(", %ld crashes, %ld leaks, %ld hangs\n", totals.crashes, totals.leaks, totals.hangs);
    fflush(stdout);
    return totals.tried != totals.ends[END_DONE] + totals.ends[END_SILENT] + totals.ends[END_MEMORY];
}

int main(int argc, char **argv) {
    long first = 1, stride = 1, last = 0;
    int on = 0, verbose = 0, jobs = 1, bad = 0, option;
    char here[PATH_MAX], line[PATH_MAX + 16];
    while ((option = getopt(argc, argv, "s:f:l:aj:v")) != -1)
        if (option == 's')
            stride = atol(optarg);
        else if (option == 'f')
            first = atol(optarg);
        else if (option == 'l')
            last = atol(optarg);
        else if (option == 'j')
            jobs = atoi(optarg);
        else if (option == 'a')
            on = 1;
        else if (option == 'v')
            verbose = 1;
        else
            return 2;
    strcpy(sweep.work, "/tmp/fettle-sweep-XXXXXX");
    sweep.told = mmap(NULL, sizeof *sweep.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (optind >= argc || stride < 1 || first < 1 || jobs < 1 || sweep.told == MAP_FAILED ||
        !realpath(argv[optind], sweep.ui) || !getcwd(here, sizeof here) || !mkdtemp(sweep.work) || chdir(sweep.work)) {
        fprintf(stderr, "usage: %s TESTS-UI [-s STRIDE] [-f FIRST] [-l LAST] [-a] [-j JOBS] [-v] [SCENARIO...]\n",
                argv[0]);
        return 2;
    }
    setenv("FETTLE_CACHE_ABOVE", "0", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    log_set_sink(listen, NULL);
    prepare();
    for (int k = 0; k < SCENARIOS; k++) {
        int wanted = optind + 1 == argc;
        for (int a = optind + 1; a < argc; a++)
            wanted |= !strcmp(argv[a], scenarios[k].name);
        if (wanted)
            bad |= sweep_one(&scenarios[k], first, stride, last, on, jobs, verbose, here);
    }
    config_free(sweep.config);
    snprintf(line, sizeof line, "rm -rf '%s'", sweep.work);
    return system(line) || bad;
}
