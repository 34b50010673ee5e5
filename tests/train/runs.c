#include "runs.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/file/safetensors.h"
#include "train/run/composition.h"
#include "train/run/trainer.h"

void file_copy(const char *from, const char *to) {
    struct error error = {0};
    char *data;
    size_t size;
    cr_assert_eq(file_read(from, &data, &size, &error), 0, "%s", error.message);
    FILE *stream = fopen(to, "wb");
    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(data, 1, size, stream), size);
    fclose(stream);
    free(data);
}

/* Nothing that these tests write is to outlive the machine, and they write much. */
int fsync(int fd) {
    (void)fd;
    return 0;
}

static char folder_now[64];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static void leave(void) {
    if (*folder_now && chdir("/") == 0)
        nftw(folder_now, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *folder_now = 0;
}

void folder_enter(void) {
    static int registered;
    char folder[] = "/tmp/fettle-test-XXXXXX";
    leave();
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    snprintf(folder_now, sizeof folder_now, "%s", folder);
    if (!registered++)
        atexit(leave);
}

void case_enter(const char *name) {
    char from[1024];
    folder_enter();
    snprintf(from, sizeof from, "%s/train/%s", TEST_REFERENCE_DIR, name);
    DIR *directory = opendir(from);
    cr_assert_not_null(directory, "%s is missing", from);
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[1400];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", from, entry->d_name);
        file_copy(path, strcmp(entry->d_name, "metrics.csv") ? entry->d_name : "wanted.csv");
    }
    closedir(directory);
}

static void hear(void *context, enum trainer_event event, const char *text) {
    struct heard *heard = context;
    switch (event) {
    case EVENT_ROW:
        heard->rows++;
        break;
    case EVENT_EPOCH:
        heard->epochs++;
        break;
    case EVENT_CHECKPOINT:
        heard->checkpoints++;
        snprintf(heard->checkpoint, sizeof heard->checkpoint, "%s", text);
        break;
    case EVENT_STOP:
        heard->stops++;
        snprintf(heard->stop, sizeof heard->stop, "%s", text);
        break;
    case EVENT_NOTICE:
        heard->notices++;
        snprintf(heard->notices_said + strlen(heard->notices_said),
                 sizeof heard->notices_said - strlen(heard->notices_said), "%s\n", text);
        break;
    }
}

static struct config *config_with(const struct start *start) {
    struct config *config;
    struct error error = {0};
    cr_assert_eq(config_read(&config, "config.yaml", &error), 0, "%s", error.message);
    for (int k = 0; start->overrides[k]; k++)
        cr_assert_eq(config_override(config, start->overrides[k], &error), 0, "%s: %s", start->overrides[k],
                     error.message);
    /* the cases of NequIP keep no checkpoints: one that is asked for wants them, and so does what
     * evaluates the best */
    for (int k = 0; start->overrides[k]; k++)
        if (strstr(start->overrides[k], "ModelCheckpoint") || strstr(start->overrides[k], "run=[train,"))
            config_override(config, "++trainer.enable_checkpointing=true", &error);
    return config;
}

void start_add(struct start *start, const char *override) {
    size_t n = 0, most = sizeof start->overrides / sizeof *start->overrides;
    while (start->overrides[n])
        n++;
    cr_assert_lt(n + 1, most);
    start->overrides[n] = override;
}

static int has_layer(const struct composition_kind *kind, const char *name) {
    for (int l = 0; l < MAX_LAYERS && kind->layers[l]; l++)
        if (!strcmp(kind->layers[l]->name, name))
            return 1;
    return 0;
}

void start_add_technique(struct start *start, size_t k) {
    static char target[128];
    const struct composition_kind *kind = composition_kinds[k];
    snprintf(target, sizeof target, "training_module._target_=%s", kind->target.target);
    start_add(start, target);
    if (!has_layer(kind, "ema"))
        start_add(start, "~training_module.ema_decay");
    if (has_layer(kind, "mconfig"))
        start_add(start, "training_module.optimizer._target_=torch.optim.SGD");
    if (has_layer(kind, "schedulefree"))
        start_add(start, k % 2 ? "training_module.optimizer._target_=schedulefree.AdamWScheduleFree"
                               : "training_module.optimizer._target_=schedulefree.RAdamScheduleFree");
}

int case_try(struct trainer **out, const struct start *start, struct error *error) {
    struct config *config = config_with(start);
    struct trainer_options options = {
        .output = start->output,
        .init = start->init,
        .resume = start->resume,
        .replay = start->replay,
        .force = start->force,
        .threads = start->threads ? start->threads : 1,
        .memory = start->memory,
        .event = start->heard ? hear : NULL,
        .context = start->heard,
    };
    int code = trainer_open(out, config, &options, error);
    config_free(config);
    return code;
}

struct trainer *case_open(const struct start *start) {
    struct trainer *trainer;
    struct error error = {0};
    cr_assert_eq(case_try(&trainer, start, &error), 0, "%s:%d: %s", error.file, error.line, error.message);
    return trainer;
}

static void ignore(void *context, const char *name) {
    (void)context;
    (void)name;
}

int case_check(const struct start *start, struct error *error) {
    return case_names(start, ignore, NULL, error);
}

int case_names(const struct start *start, void (*add)(void *context, const char *name), void *context,
               struct error *error) {
    struct config *config = config_with(start);
    struct config_context where = {.output_dir = "out"};
    int code = config_resolve(config, &where, error);
    if (!code)
        code = trainer_check_names(config_root(config), add, context, error);
    config_free(config);
    return code;
}

void case_steps(struct trainer *trainer, int count) {
    struct error error = {0};
    for (int k = 0; k < count; k++)
        cr_assert_eq(trainer_step(trainer, &error), 0, "%s", error.message);
}

struct wanted_metric {
    const char *name;
    double value;
};

static void find_metric(void *context, const char *name, double value) {
    struct wanted_metric *wanted = context;
    if (!strcmp(name, wanted->name))
        wanted->value = value;
}

double case_validation(struct trainer *trainer, int raw, const char *name) {
    struct wanted_metric wanted = {name, NAN};
    struct error error = {0};
    cr_assert_eq(trainer_evaluate(trainer, ROLE_VAL, raw, find_metric, &wanted, &error), 0, "%s", error.message);
    cr_assert(!isnan(wanted.value), "%s", name);
    return wanted.value;
}

void files_equal(const char *a, const char *b) {
    char *x, *y;
    size_t n, m;
    struct error error = {0};
    cr_assert_eq(file_read(a, &x, &n, &error), 0, "%s", error.message);
    cr_assert_eq(file_read(b, &y, &m, &error), 0, "%s", error.message);
    cr_expect(n == m && !memcmp(x, y, n), "%s and %s differ", a, b);
    free(x);
    free(y);
}

void case_run(struct trainer *trainer) {
    struct error error = {0};
    cr_assert_eq(trainer_run(trainer, NULL, &error), 0, "%s", error.message);
    cr_assert(trainer_done(trainer));
}

/* ---------------------------------------------------------------- metrics.csv */

struct table table_read(const char *path) {
    struct table table = {0};
    struct error error = {0};
    size_t size, at = 0;
    cr_assert_eq(file_read(path, &table.data, &size, &error), 0, "%s", error.message);
    table.columns = 1;
    for (const char *c = table.data; *c && *c != '\n'; c++)
        table.columns += *c == ',';
    for (const char *c = table.data; *c; c++)
        table.rows += *c == '\n';
    cr_assert_gt(table.rows, 0, "%s is empty", path);
    table.rows--;
    table.names = calloc(table.columns * (table.rows + 1), sizeof *table.names);
    table.cells = table.names + table.columns;
    char *rest = table.data;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        size_t cells = 0;
        for (char *cell; (cell = strsep(&line, ",")); cells++)
            table.names[at++] = cell;
        cr_assert_eq(cells, table.columns, "%s: a row of %zu cells under %zu columns", path, cells, table.columns);
    }
    for (size_t k = 0; k < at; k++) /* line ends as Python's csv writes them */
        table.names[k][strcspn(table.names[k], "\r")] = 0;
    return table;
}

void table_free(struct table *table) {
    free(table->names);
    free(table->data);
}

const char *table_cell(const struct table *table, size_t row, const char *name) {
    for (size_t k = 0; k < table->columns && row < table->rows; k++)
        if (!strcmp(table->names[k], name))
            return table->cells[row * table->columns + k];
    return "";
}

void table_compare(const struct table *got, const struct table *want, double tolerance) {
    cr_assert_eq(got->columns, want->columns);
    for (size_t k = 0; k < got->columns; k++)
        cr_assert_str_eq(got->names[k], want->names[k]);
    cr_assert_eq(got->rows, want->rows, "%zu rows, not %zu", got->rows, want->rows);
    for (size_t k = 0; k < got->rows * got->columns; k++) {
        const char *a = got->cells[k], *b = want->cells[k], *name = want->names[k % want->columns];
        int row = (int)(k / want->columns) + 1;
        cr_assert_eq(!*a, !*b, "row %d, %s: '%s', not '%s'", row, name, a, b);
        double x = strtod(a, NULL), y = strtod(b, NULL);
        cr_expect(!*a || fabs(x - y) <= tolerance * fmax(fabs(y), 1e-3), "row %d, %s: %s, not %s", row, name, a, b);
    }
}

/* ---------------------------------------------------------------- weights */

static double number(const struct tensor *tensor, size_t k) {
    if (!strcmp(tensor->dtype, "F32"))
        return (double)((const float *)tensor->data)[k];
    return ((const double *)tensor->data)[k];
}

void weights_compare(const char *got, const char *want, double tolerance) {
    struct safetensors *a, *b;
    struct error error = {0};
    int compared = 0;
    cr_assert_eq(safetensors_read(&a, got, &error), 0, "%s", error.message);
    cr_assert_eq(safetensors_read(&b, want, &error), 0, "%s", error.message);
    for (size_t k = 0; k < safetensors_count(b); k++) {
        const struct tensor *y = safetensors_at(b, k);
        int weight = !strncmp(y->name, "model.", 6) || !strncmp(y->name, "ema.ema_weight", 14);
        if (!weight || !y->size || strstr(y->name, "output_mask") ||
            (strcmp(y->dtype, "F32") && strcmp(y->dtype, "F64")))
            continue;
        const struct tensor *x = safetensors_find(a, y->name);
        cr_assert_not_null(x, "%s lacks %s", got, y->name);
        cr_assert_eq(x->size, y->size);
        cr_assert_str_eq(x->dtype, y->dtype);
        double largest = 1e-3, worst = 0;
        for (size_t j = 0; j < y->size / (strcmp(y->dtype, "F32") ? 8 : 4); j++) {
            largest = fmax(largest, fabs(number(y, j)));
            worst = fmax(worst, fabs(number(x, j) - number(y, j)));
        }
        cr_expect(worst <= tolerance * largest, "%s is off by %.2g", y->name, worst / largest);
        compared++;
    }
    cr_expect_gt(compared, 5);
    safetensors_free(a);
    safetensors_free(b);
}

const char *files_below(const char *folder) {
    static char text[4096];
    char line[256];
    snprintf(line, sizeof line, "cd %s && find . -type f -o -type l | sort | sed 's|^./||' | tr '\\n' ' '", folder);
    FILE *pipe = popen(line, "r");
    cr_assert_not_null(pipe);
    text[fread(text, 1, sizeof text - 1, pipe)] = 0;
    pclose(pipe);
    return text;
}
