/* Configs as Hydra composes and OmegaConf resolves them: compositions.txt has what they make of each. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "config/node.h"

enum { MOST_OVERRIDES = 16 };

struct try {
    const char *line, *run;
    const char *overrides[MOST_OVERRIDES];
    size_t count;
};

struct block {
    const char *name, *main, *at;
    struct text first; /* what the main file has before a try adds its line */
    int sections;
    char folder[64];
};

static int statistic(void *context, const char *name, struct config_statistic *out, struct error *error) {
    (void)context;
    static const char *const names[] = {"C", "H"};
    static const double values[] = {1.5, 0.1};
    if (!strcmp(name, "mean"))
        *out = (struct config_statistic){.value = 12.25};
    else if (!strcmp(name, "per_type"))
        *out = (struct config_statistic){2, 0, names, values};
    else
        return error_set(error, ERROR_NAME, "there is no statistic '%s'", name);
    return 0;
}

static void write_file(const char *path, const char *text, size_t size, const char *line) {
    char folder[256];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        *slash = 0;
        cr_assert_eq(file_make_directories(folder, NULL), 0);
    }
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fwrite(text, 1, size, file);
    if (line)
        fprintf(file, "%s\n", line);
    fclose(file);
}

/* The same text for the same value, however it was written. */
static void write_canonical(const char *json, struct text *out) {
    struct config *config = NULL;
    struct text yaml = {0};
    struct error error = {0};
    text_format(&yaml, "v: %s\n", json);
    cr_assert_eq(config_parse(&config, "wanted", yaml.data, yaml.size, &error), 0, "%s: %s", json, error.message);
    config_write_json(config_get(config_root(config), "v"), out);
    config_free(config);
    text_free(&yaml);
}

/* Hydra's settings are no part of what is trained by. */
static void write_tree(const struct block *block, const struct config_node *root, struct text *out) {
    static const char *const sections[] = {"run", "data", "trainer", "training_module"};
    if (block->at) {
        config_write_json(config_get(root, block->at), out);
        return;
    }
    text_add(out, "{");
    size_t count = block->sections ? 4 : config_count(root);
    for (size_t k = 0, n = 0; k < count; k++) {
        const char *key = block->sections ? sections[k] : config_key(root, k);
        const struct config_node *value = config_get(root, key);
        if (!value || !strcmp(key, "hydra"))
            continue;
        text_add(out, n++ ? ", " : "");
        config_quote(key, out);
        text_add(out, ": ");
        config_write_json(value, out);
    }
    text_add(out, "}");
}

static void check(const struct block *block, const struct try *try, const char *wanted, int number) {
    static const char *const used[] = {"run", "data", "trainer", "training_module", NULL};
    const struct config_context context = {
        .sections = block->sections ? used : NULL, .output_dir = "/out", .statistic = statistic};
    struct config *config = NULL;
    struct error error = {0};
    struct text got = {0}, want = {0}, made = {0};
    char *run = NULL;
    write_file(block->main, block->first.data ? block->first.data : "", block->first.size, try->line);
    int code = config_compose(&config, block->main, try->count, try->overrides, &error);
    if (!code)
        code = config_run_dir(config, &run, &error);
    if (!code)
        code = config_resolve(config, &context, &error);
    if (!wanted) {
        cr_expect(code && *error.message, "%s, line %d is accepted", block->name, number);
        goto out;
    }
    cr_expect_eq(code, 0, "%s, line %d: %s", block->name, number, error.message);
    if (code)
        goto out;
    write_tree(block, config_root(config), &made);
    write_canonical(made.data, &got);
    write_canonical(wanted, &want);
    cr_expect_str_eq(got.data, want.data, "%s, line %d: %s, not %s", block->name, number, got.data, want.data);
    if (try->run)
        cr_expect(run && !strcmp(run, try->run), "%s, line %d: the folder %s", block->name, number, run ? run : "");
out:
    config_free(config);
    text_free(&got);
    text_free(&want);
    text_free(&made);
    free(run);
}

static void begin(struct block *block, const char *name) {
    text_free(&block->first);
    *block = (struct block){.name = name};
    strcpy(block->folder, "/tmp/fettle_compositions_XXXXXX");
    cr_assert_not_null(mkdtemp(block->folder));
    cr_assert_eq(chdir(block->folder), 0);
}

static void end(const struct block *block) {
    char command[128];
    if (!block->name)
        return;
    snprintf(command, sizeof command, "rm -rf %s", block->folder);
    cr_expect_eq(system(command), 0);
}

static int starts(const char *line, const char *word) {
    return !strncmp(line, word, strlen(word));
}

Test(compositions, like_hydra) {
    char *data = NULL, *line, *rest;
    size_t size;
    struct block block = {0};
    struct try try = {0};
    struct text file = {0};
    const char *path = NULL;
    struct error error = {0};
    cr_assert_eq(file_read_stream(TEST_DATA_DIR "/compositions.txt", 64 << 20, &data, &size, &error), 0, "%s",
                 error.message);
    int number = 0;
    for (rest = data; (line = strsep(&rest, "\n")); number++) {
        if (path && starts(line, "    ")) {
            text_format(&file, "%s\n", line + 4);
            continue;
        }
        if (path) {
            write_file(path, file.data ? file.data : "", file.size, NULL);
            if (path == block.main) {
                block.first = file;
                file = (struct text){0};
            }
            text_clear(&file);
            path = NULL;
        }
        if (starts(line, "== ")) {
            end(&block);
            begin(&block, line + 3);
        } else if (starts(line, "file ")) {
            path = line + 5;
            block.main = block.main ? block.main : path;
        } else if (*line == '@') {
            block.at = line + 1;
        } else if (!strcmp(line, "sections")) {
            block.sections = 1;
        } else if (starts(line, "env ")) {
            char *equals = strchr(line, '=');
            *equals = 0;
            setenv(line + 4, equals + 1, 1);
        } else if (starts(line, "line ")) {
            try.line = line + 5;
        } else if (starts(line, "run ")) {
            try.run = line + 4;
        } else if (starts(line, "o ")) {
            cr_assert_lt(try.count, MOST_OVERRIDES);
            try.overrides[try.count++] = line + 2;
        } else if (starts(line, "= ") || *line == '!') {
            check(&block, &try, *line == '=' ? line + 2 : NULL, number + 1);
            try = (struct try){0};
        }
    }
    end(&block);
    text_free(&block.first);
    text_free(&file);
    free(data);
}
