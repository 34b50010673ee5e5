/* The files of a config's groups, in the folders where they are searched. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/foreign.h"
#include "config/compose.h"

static int is_folder(const char *path) {
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static int is_yaml(const char *name) {
    size_t size = strlen(name);
    return size > 5 && !strcmp(name + size - 5, ".yaml");
}

int sources_has_group(const struct sources *sources, const char *group) {
    for (size_t k = 0; k < sources->nfolders; k++) {
        struct text path = {0};
        text_format(&path, "%s/%s", sources->folders[k], group);
        int found = path.data && is_folder(path.data);
        text_free(&path);
        if (found)
            return 1;
    }
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void sources_options(const struct sources *sources, const char *group, struct text *out) {
    enum { SHOWN = 64 };
    char *names[SHOWN];
    size_t count = 0;
    for (size_t f = 0; f < sources->nfolders; f++) {
        struct text path = {0};
        text_format(&path, "%s/%s", sources->folders[f], group);
        DIR *folder = path.data ? opendir(path.data) : NULL;
        for (struct dirent *entry; folder && count < SHOWN && (entry = readdir(folder));)
            if (is_yaml(entry->d_name) && (names[count] = strndup(entry->d_name, strlen(entry->d_name) - 5)))
                count++;
        if (folder)
            closedir(folder);
        text_free(&path);
    }
    qsort(names, count, sizeof *names, by_name);
    for (size_t k = 0; k < count; k++) {
        if (!k || strcmp(names[k], names[k - 1]))
            text_format(out, "%s%s", k ? ", " : "", names[k]);
    }
    for (size_t k = 0; k < count; k++)
        free(names[k]);
}

/* Lines "# @KEY VALUE" at the top of a file, before anything else; @package is the only one that means something. */
static int read_header(struct config_source *source, struct arena *arena, const char *text, struct error *error) {
    for (int line = 1; *text; line++) {
        size_t size = strcspn(text, "\n");
        const char *at = text + strspn(text, " \t\r");
        text += size + (text[size] == '\n');
        if (at >= text || *at == '\n')
            continue;
        if (*at != '#')
            return 0;
        at += strspn(at, "#");
        at += strspn(at, " \t");
        if (*at != '@')
            return 0;
        size_t key = strcspn(at, " \t\r\n");
        const char *value = at + key + strspn(at + key, " \t");
        size_t length = strcspn(value, " \t\r\n"), more = length + strspn(value + length, " \t\r");
        if (!length || (value[more] && value[more] != '\n'))
            return error_at(error, ERROR_SYNTAX, source->file, line, 1,
                            "expected \"# @package NAME\": one key and one value");
        if (key == 8 && !strncmp(at, "@package", key) &&
            !(source->package = arena_format(arena, "%.*s", (int)length, value)))
            return error_memory(error);
    }
    return 0;
}

/* Takes the list out of the map. */
static int take_defaults(struct config_source *source, struct error *error) {
    struct config_node *defaults = tree_child(source->root, "defaults");
    if (!defaults)
        return 0;
    if (defaults->kind != CONFIG_LIST)
        return config_error(defaults, error, ERROR_TYPE, "expected a list of configs to merge, not %s",
                            config_kind_name(defaults));
    source->defaults = defaults;
    tree_remove(defaults);
    return 0;
}

/* A file that may be many GB is named by its beginning. */
static int check_kind(const char *path, struct error *error) {
    char head[FOREIGN_BYTES];
    struct stat status;
    FILE *file = stat(path, &status) || !S_ISREG(status.st_mode) ? NULL : fopen(path, "rbe");
    size_t size = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return foreign_refuse(FOREIGN_CONFIG, path, head, size, error);
}

static int read_source(struct sources *sources, struct config_source *source, struct error *error) {
    struct config *config = sources->config;
    char *data = NULL;
    size_t size;
    int code = check_kind(source->file, error);
    if (!code)
        code = file_read_stream(source->file, CONFIG_BYTES, &data, &size, error);
    if (!code && !(source->root = yaml_parse(config, source->file, data, size, 1, error)))
        code = error->code ? (int)error->code : (int)ERROR_MEMORY;
    if (!code)
        code = read_header(source, config->arena, data, error);
    if (!code)
        code = take_defaults(source, error);
    free(data);
    return code;
}

int sources_load(struct sources *sources, const char *name, struct config_source **out, struct error *error) {
    struct arena *arena = sources->config->arena;
    for (size_t k = 0; k < sources->count; k++)
        if (!strcmp(sources->list[k]->name, name)) {
            *out = sources->list[k];
            return 0;
        }
    struct config_source *source = arena_alloc(arena, sizeof *source);
    if (!source || !(source->name = arena_string(arena, name)))
        return error_memory(error);
    if (sources->count == COMPOSE_FILES)
        return error_set(error, ERROR_VALUE, "more than %d files of one config", COMPOSE_FILES);
    for (size_t k = 0; k < sources->nfolders && !source->file; k++) {
        char *path = arena_format(arena, "%s/%s%s", sources->folders[k], name, is_yaml(name) ? "" : ".yaml");
        if (!path)
            return error_memory(error);
        if (file_exists(path) && !is_folder(path))
            source->file = path;
    }
    sources->list[sources->count++] = *out = source;
    return source->file ? read_source(sources, source, error) : 0;
}

int sources_add(struct sources *sources, const char *file, const char *name, struct config_source **out,
                struct error *error) {
    struct config_source *source = arena_alloc(sources->config->arena, sizeof *source);
    if (!source || !(source->file = arena_string(sources->config->arena, file)) ||
        !(source->name = arena_string(sources->config->arena, name)))
        return error_memory(error);
    sources->list[sources->count++] = *out = source;
    return read_source(sources, source, error);
}
