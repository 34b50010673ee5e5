/* Random command lines against a small open session: none ends the program or leaks, and one that fails leaves the
 * session as it was.
 *
 * Lines are drawn from the tables of commands, so that a new command is drawn from as soon as it stands in one.
 *
 *     FETTLE_FUZZ_LINES   how many lines (3000)
 *     FETTLE_FUZZ_SEED    of their stream (1)
 *     FETTLE_FUZZ_LOG     a file to write each line to before it is executed
 *
 * Everything happens in a folder that goes with the process: no path leads out of it. */
#include <ctype.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/random.h"
#include "config/config_internal.h"
#include "session/execute.h"
#include "session/session_internal.h"
#include "train/optimizer/optimizer_kinds.h"
#include "train/core/state.h"
#include "train/run/point.h"
#include "train/run/trainer.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
static int leaks(void) {
    return __lsan_do_recoverable_leak_check();
}
#else
static int leaks(void) {
    return 0;
}
#endif

static const char session_yaml[] =
    "run: [train, val]\n"
    "data:\n"
    "  _target_: fettle.data.EMTDataModule\n"
    "  seed: 1\n"
    "  elements: [Cu, Au]\n"
    "  repeat: [1, 1, 1]\n"
    "  num_train: 4\n"
    "  num_val: 2\n"
    "  transforms:\n"
    "    - {_target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper, model_type_names: [Cu, Au]}\n"
    "    - {_target_: nequip.data.transforms.NeighborListTransform, r_max: 3.0}\n"
    "  train_dataloader: {_target_: torch.utils.data.DataLoader, batch_size: 2, shuffle: true}\n"
    "  val_dataloader: {_target_: torch.utils.data.DataLoader, batch_size: 2}\n"
    "trainer: {_target_: lightning.Trainer, max_epochs: 40}\n"
    "training_module:\n"
    "  _target_: nequip.train.EMALightningModule\n"
    "  loss:\n"
    "    _target_: nequip.train.EnergyForceLoss\n"
    "    per_atom_energy: true\n"
    "    coeffs: {total_energy: 1.0, forces: 1.0}\n"
    "  val_metrics:\n"
    "    _target_: nequip.train.EnergyForceMetrics\n"
    "    coeffs: {per_atom_energy_mae: 1.0, forces_mae: 1.0}\n"
    "  optimizer: {_target_: torch.optim.Adam, lr: 0.01}\n"
    "  lr_scheduler:\n"
    "    scheduler: {_target_: torch.optim.lr_scheduler.ReduceLROnPlateau, patience: 1}\n"
    "    monitor: val0_epoch/weighted_sum\n"
    "    interval: epoch\n"
    "    frequency: 1\n"
    "  model:\n"
    "    _target_: nequip.model.NequIPGNNModel\n"
    "    seed: 1\n"
    "    model_dtype: float32\n"
    "    type_names: [Cu, Au]\n"
    "    r_max: 3.0\n"
    "    num_layers: 1\n"
    "    l_max: 1\n"
    "    parity: false\n"
    "    num_features: 2\n"
    "    radial_mlp_depth: 1\n"
    "    radial_mlp_width: 4\n"
    "    avg_num_neighbors: 12.0\n";

/* ---------------------------------------------------------------- the stream */

static struct random_stream stream;

static size_t below(size_t n) {
    return random_u32(&stream) % n;
}

static int chance(unsigned percent) {
    return below(100) < percent;
}

#define PICK(list) (list)[below(sizeof(list) / sizeof *(list))]

/* ---------------------------------------------------------------- words */

static const char *const numbers[] = {
    "0",     "1",    "1",   "1",   "2",    "2",     "3",      "4",   "5",   "0.5",
    "0.01",  "0.9",  "1",   "1",   "2",    "2",     "3",      "-1",  "-0",  "0.5",
    ".5",    "1e-3", "nan", "inf", "-inf", "1e999", "1e-320", "0x2", "007", "99999999999999999999",
    "1.5.2", "+1",   "1e",  "1e+", "--1",  "NaN"};

/* What stands among the arguments of commands. */
static const char *const keywords[] = {"log",       "linear",      "smooth",     "last",
                                       "size",      "parity",      "forces",     "energy",
                                       "train",     "val",         "test",       "nan",
                                       "off",       "on",          "weights",    "all",
                                       "in",        "out",         "left",       "right",
                                       "freeze",    "live",        "gradients",  "here",
                                       "there",     "rewind",      "lr",         "end",
                                       "begin",     "values",      "batch",      "epoch",
                                       "step",      "activations", "raw",        "average",
                                       "forward",   "load",        "config",     "ema",
                                       "optimizer", "data",        "batch_size", "loss.forces_mse",
                                       "ema_decay", "*",           "*.weight",   "layer0_convnet",
                                       "edge_mlp"};

static const char *const files[] = {
    "a.safetensors", "b.safetensors", "a.csv",       "a.svg", "a.png",        "a.txt",       "missing/a.csv",
    "folder",        "folder/a.svg",  "config.yaml", "",      "no such file", "broken.yaml", "ok.fettle",
    "self.fettle",   "open.fettle",   "noise.fettle"};

static const char *const overrides[] = {"ema_decay=0.5",
                                        "ema_decay=2",
                                        "optimizer.lr=0.003",
                                        "'optimizer={_target_: torch.optim.SGD, lr: 0.01}'",
                                        "'optimizer={_target_: torch.optim.Adam, lr: 0.01}'",
                                        "'optimizer={_target_: schedulefree.AdamWScheduleFree, lr: 0.01}'",
                                        "~lr_scheduler",
                                        "lr_scheduler.scheduler.patience=2",
                                        "gradient_clip_val=0.5",
                                        "clip_factor=1.5",
                                        "trainer.max_epochs=2",
                                        "trainer.max_epochs=9",
                                        "+trainer.gradient_clip_val=0.1",
                                        "training_module.model.num_features=3",
                                        "training_module.model.model_dtype=float64",
                                        "training_module._target_=ema_config",
                                        "training_module._target_=nothing",
                                        "betas=[0.8,0.9]",
                                        "lr=0.002",
                                        "lr={",
                                        "=",
                                        "a=b=c",
                                        "~",
                                        "+x.y.z=1",
                                        "++trainer=3",
                                        "~trainer"};

static void add_noise(struct text *out, size_t length) {
    for (size_t k = 0; k < length; k++) {
        char byte[2] = {(char)(1 + below(255)), 0};
        text_add(out, *byte == '\n' || *byte == '\r' ? "?" : byte);
    }
}

static void add_expression(struct text *out, struct session *session, int depth);

struct choice {
    size_t seen;
    char name[256];
};

static void choose(void *context, const char *candidate) {
    struct choice *choice = context;
    if (below(++choice->seen) == 0)
        snprintf(choice->name, sizeof choice->name, "%s", candidate);
}

/* One of what TAB offers behind the command. */
static void add_candidate(struct text *out, struct session *session, const char *command) {
    struct choice choice = {0};
    char line[128];
    snprintf(line, sizeof line, "%.100s ", command);
    if (session_complete(session, line, "", choose, &choice))
        text_add(out, PICK(files));
    else
        text_add(out, choice.seen ? choice.name : PICK(keywords));
}

static void add_name(struct text *out, struct session *session) {
    static const char *const commands[] = {"print", "set", "break", "chart"};
    add_candidate(out, session, PICK(commands));
}

static void add_expression(struct text *out, struct session *session, int depth) {
    static const char *const operators[] = {"+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", " and ", " or "};
    static const char *const functions[] = {"abs", "sqrt", "exp",  "log", "log10", "nan",
                                            "min", "max",  "mean", "ema", "delta", "nothing"};
    size_t what = depth > 5 ? below(2) : below(8);
    if (what == 0) {
        text_add(out, PICK(numbers));
    } else if (what == 1) {
        add_name(out, session);
    } else if (what < 5) {
        add_expression(out, session, depth + 1);
        text_add(out, PICK(operators));
        add_expression(out, session, depth + 1);
    } else if (what == 5) {
        text_format(out, "%s(", PICK(functions));
        add_expression(out, session, depth + 1);
        if (chance(50)) {
            text_add(out, ", ");
            add_expression(out, session, depth + 2);
        }
        text_add(out, ")");
    } else if (what == 6) {
        text_add(out, chance(50) ? "(" : "not ");
        add_expression(out, session, depth + 1);
        text_add(out, chance(80) ? ")" : "");
    } else {
        text_add(out, "-");
        add_expression(out, session, depth + 1);
    }
}

/* The same again and again: what is long, or deep. */
static void add_repeated(struct text *out) {
    static const char *const pieces[] = {"1+", "(",    "-", "not ", "abs(", "a", "a.",
                                         "\"", "{a: ", "[", "1^",   "lr/",  "*."};
    const char *piece = PICK(pieces);
    for (size_t k = 10u << below(15); k-- > 0;)
        text_add(out, piece);
    text_add(out, "1");
}

static void add_word(struct text *out, struct session *session, const char *command) {
    size_t what = below(20);
    if (what < 6)
        add_candidate(out, session, command);
    else if (what < 10)
        text_add(out, PICK(numbers));
    else if (what < 13)
        text_add(out, PICK(keywords));
    else if (what < 14)
        text_add(out, PICK(files));
    else if (what < 16)
        text_add(out, PICK(overrides));
    else if (what < 18)
        add_expression(out, session, 2);
    else if (what < 19)
        add_noise(out, below(12));
    else if (chance(20))
        add_repeated(out);
    else
        text_add(out, PICK(numbers));
}

/* ---------------------------------------------------------------- lines */

/* A path may not begin at the root, nor go up. */
static void keep_inside(char *line) {
    for (char *at = line; *at; at++) {
        if (*at == '/' && (at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')))
            *at = '_';
        if (*at == '.' && at[1] == '.')
            *at = '_';
    }
}

static void mutate(struct text *line) {
    for (size_t k = 1 + below(4); k-- > 0 && line->size;) {
        size_t at = below(line->size);
        char byte = (char)(1 + below(255));
        line->data[at] = byte == '\n' ? ' ' : byte;
        if (chance(30)) { /* cut */
            line->size = at;
            line->data[at] = 0;
        }
    }
}

static void draw(struct text *line, struct session *session) {
    const struct command_group *group = command_groups[below(command_group_count)];
    const struct command *command = &group->commands[below(group->count)];
    text_clear(line);
    text_add(line, "");
    if (chance(3))
        return; /* what Enter repeats */
    if (chance(3)) {
        add_noise(line, 1 + below(60));
    } else {
        const char *name = command->name;
        size_t length = chance(10) ? 1 + below(strlen(name)) : strlen(name);
        text_format(line, "%.*s", (int)length, name);
        int most = command->max < 0 || command->max > 6 ? 6 : command->max;
        int words = most > command->min ? command->min + (int)below((size_t)(most - command->min) + 1) : command->min;
        if (chance(5))
            words = (int)below(70);
        for (int k = 0; k < words; k++) {
            const char *quotes[] = {"", "", "", "", "", "", "\"", "'"}, *quote = PICK(quotes);
            text_format(line, " %s", quote);
            if (k == 0 && words == most && command->complete == values_complete && chance(60))
                add_expression(line, session, 0);
            else
                add_word(line, session, command->name);
            text_add(line, chance(97) ? quote : "");
        }
    }
    if (chance(8))
        mutate(line);
    keep_inside(line->data);
}

/* ---------------------------------------------------------------- the session as it is */

static uint64_t add_text(uint64_t hash, const char *text) {
    return text ? hash_bytes(hash, text, strlen(text) + 1) : hash;
}

static uint64_t add_stops(uint64_t hash, const struct stops *stops) {
    for (size_t k = 0; k < stops->count; k++) {
        const struct stop *stop = &stops->list[k];
        long numbers_of[] = {stop->number, stop->kind, stop->temporary, stop->enabled, stop->ignore};
        hash = hash_bytes(hash, numbers_of, sizeof numbers_of);
        hash = add_text(hash, stops_text(stop));
        hash = add_text(hash, stop->condition ? expression_text(stop->condition) : NULL);
        for (size_t c = 0; c < stop->ncommands; c++)
            hash = add_text(hash, stop->commands[c]);
    }
    for (size_t k = 0; k < stops->ndisplays; k++)
        hash = add_text(hash, expression_text(stops->displays[k].expression));
    return hash_bytes(hash, &stops->collecting, sizeof stops->collecting);
}

/* What a command without arguments prints. */
static uint64_t add_printed(uint64_t hash, struct session *session, const char *name) {
    struct command_line line;
    const struct command *command;
    struct text text = {0};
    cr_assert_eq(command_find(&command, name, NULL), 0);
    cr_assert_eq(command_split(&line, name, NULL), 0);
    session->captured = &text;
    command->exec(session, &line, &(struct error){0});
    session->captured = NULL;
    command_line_free(&line);
    hash = add_text(hash, text.data);
    text_free(&text);
    return hash;
}

static uint64_t session_hash(struct session *session) {
    uint64_t hash = hash_bytes(0, &session->trainer, sizeof session->trainer);
    hash = add_stops(hash, &session->stops);
    hash = hash_bytes(hash, &session->catches_off, sizeof session->catches_off);
    hash = hash_bytes(hash, &session->rewinding.capacity, sizeof session->rewinding.capacity);
    hash = hash_bytes(hash, &session->rewinding.nnamed, sizeof session->rewinding.nnamed);
    hash = hash_bytes(hash, &session->view.nmarks, sizeof session->view.nmarks);
    hash = add_printed(hash, session, "chart");
    hash = add_printed(hash, session, "layout");
    if (!session->trainer)
        return hash;
    struct text yaml = {0};
    config_write_yaml(trainer_config(session->trainer), &yaml);
    config_write_yaml(config_root(session->config), &yaml);
    hash = add_text(hash, yaml.data);
    text_free(&yaml);
    hash = add_text(hash, trainer_strategy(session->trainer));
    hash = add_text(hash, session->output);
    for (size_t k = 0; k < session->series.count; k++)
        hash = hash_bytes(hash, &session->series.list[k]->count, sizeof session->series.list[k]->count);
    for (size_t k = 0; k < trainer_metrics(session->trainer); k++) {
        const char *name = trainer_metric_name(session->trainer, k);
        double value;
        if (trainer_metric(session->trainer, name, &value))
            hash = hash_bytes(add_text(hash, name), &value, sizeof value);
    }
    uint64_t state = state_hash(trainer_state(session->trainer));
    return hash_bytes(hash, &state, sizeof state);
}

/* ---------------------------------------------------------------- running */

struct bound {
    int batches; /* that a command may still train */
    size_t printed;
};

static void take(void *context, struct event *event) {
    if (event->kind == TOLD_TEXT)
        ((struct bound *)context)->printed += strlen(event->text);
    event_free(event);
}

static int interrupted(void *context) {
    return ((struct bound *)context)->batches-- <= 0;
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static char scratch[64] = "/tmp/fettle-fuzz-XXXXXX";

static void enter_scratch(void) {
    cr_assert_not_null(mkdtemp(scratch));
    cr_assert_eq(chdir(scratch), 0);
    cr_assert_not_null(freopen("/dev/null", "r", stdin)); /* `source -` */
    mkdir("folder", 0777);
}

/* Commands may have written over them. */
static void put_files(void) {
    struct text noise = {0};
    put("config.yaml", session_yaml);
    put("broken.yaml", "run: [train\ndata: {\n");
    put("ok.fettle", "print epoch\nstep\n# a comment\n\necho done\n");
    put("self.fettle", "source self.fettle\n");
    put("open.fettle", "break epoch > 3\ncommands\nprint lr\n");
    add_noise(&noise, 500);
    put("noise.fettle", noise.data);
    text_free(&noise);
}

static struct session *session_make(struct bound *bound) {
    struct session *session;
    struct error error = {0};
    struct session_options options = {
        .tell = take, .interrupted = interrupted, .context = bound, .builtin = session_yaml, .threads = 1};
    put_files();
    cr_assert_eq(session_new(&session, &options, &error), 0, "%s", error.message);
    if (chance(90))
        cr_assert_eq(session_execute(session, "open config.yaml", &error), 0, "%s", error.message);
    return session;
}

static void leave_scratch(void) {
    cr_expect_eq(chdir("/"), 0);
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static long from_environment(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? atol(text) : otherwise;
}

/* What the comparison below would see. */
Test(fuzz, each_of_these_changes_the_session) {
    static const char *const lines[] = {
        "set lr 0.5",      "break lr < 1",    "display lr",    "watch epoch", "condition 1 lr",
        "ignore 1 2",      "commands 1",      "print lr",      "end",         "catch off",
        "checkpoint a",    "freeze edge_mlp", "set rewind 3",  "layout run",  "step",
        "chart lr last 5", "strategy base",   "optimizer sgd", "stepi",       "abandon",
        "disable 2",       "undisplay",       "delete",        "rewind 1",    "chart last 7 live",
        "open config.yaml"};
    struct bound bound = {.batches = 100};
    enter_scratch();
    random_seed(&stream, 1);
    struct session *session = session_make(&bound);
    struct error error = {0};
    session_execute(session, "open config.yaml", &error);
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        uint64_t before = session_hash(session);
        cr_expect_eq(session_execute(session, lines[k], &error), 0, "%s: %s", lines[k], error.message);
        cr_expect_neq(session_hash(session), before, "%s", lines[k]);
        before = session_hash(session);
        if (!session->stops.collecting) {
            struct error ignored = {0};
            session_execute(session, "print lr", &ignored);
            cr_expect_eq(session_hash(session), before, "looking changes nothing");
        }
    }
    session_free(session);
    leave_scratch();
}

/* A command that fails after it has trained, or has executed others, may have changed what those change. */
static int may_have_changed(const struct session *session, const char *line, int64_t accepted, int phase) {
    const struct command *command;
    struct command_line words;
    int may = 0;
    if (!command_split(&words, line, NULL) && words.count && !command_find(&command, words.words[0], NULL))
        may = !strcmp(command->name, "source");
    command_line_free(&words);
    for (size_t k = 0; k < session->stops.count; k++)
        may |= session->stops.list[k].ncommands > 0;
    return may || (session->trainer &&
                   (trainer_accepted(session->trainer) != accepted || (int)trainer_phase(session->trainer) != phase));
}

Test(fuzz, no_line_does_harm, .timeout = 0) {
    long lines = from_environment("FETTLE_FUZZ_LINES", 3000), failed = 0, compared = 0;
    FILE *log = getenv("FETTLE_FUZZ_LOG") ? fopen(getenv("FETTLE_FUZZ_LOG"), "w") : NULL;
    struct bound bound = {0};
    struct text line = {0};
    random_seed(&stream, (uint64_t)from_environment("FETTLE_FUZZ_SEED", 1));
    enter_scratch();
    struct session *session = session_make(&bound);
    for (long k = 0; k < lines; k++) {
        if (k % 400 == 399) {
            session_free(session);
            session = session_make(&bound);
        }
        draw(&line, session);
        if (log) {
            fprintf(log, "%s\n", line.data);
            fflush(log);
        }
        struct error error = {0};
        const struct trainer *before = session->trainer;
        int64_t accepted = before ? trainer_accepted(before) : 0;
        int phase = before ? (int)trainer_phase(before) : 0;
        int empty = !line.data[strspn(line.data, " \t\r\n")];
        uint64_t was = session_hash(session);
        bound.batches = 4;
        int code = session_execute(session, line.data, &error);
        if (code) {
            failed++;
            cr_expect_eq(code, (int)error.code, "line %ld: %s: %d, %d", k, line.data, code, (int)error.code);
            cr_expect(error.message[0], "line %ld: %s: no message", k, line.data);
            if (!empty && !may_have_changed(session, line.data, accepted, phase)) {
                compared++;
                cr_expect_eq(session_hash(session), was, "line %ld: %s: the session has changed (%s)", k, line.data,
                             error.message);
            }
        }
        if (chance(5)) { /* TAB, and a pane */
            struct choice choice = {0};
            struct text pane = {0};
            const char *word = strrchr(line.data, ' ');
            session_complete(session, line.data, word ? word + 1 : line.data, choose, &choice);
            session_is_live(line.data);
            session_look(session, line.data, &pane, &(struct error){0});
            text_free(&pane);
        }
        session->finished = 0; /* `quit` */
    }
    session_free(session);
    text_free(&line);
    if (log)
        fclose(log);
    leave_scratch();
    cr_log_info("%ld lines, %ld failed, %ld of them compared, %zu bytes printed", lines, failed, compared,
                bound.printed);
    cr_expect_gt(compared, lines / 20);
    cr_expect_lt(failed, lines * 19 / 20);
    cr_expect_eq(leaks(), 0, "something leaks");
}
