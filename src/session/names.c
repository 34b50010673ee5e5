#include "session/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

void names_add(void *context, const char *name) {
    struct names *names = context;

    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 64;
        char **grown = realloc(names->list, capacity * sizeof *grown);
        if (!grown)
            return;
        names->list = grown;
        names->capacity = capacity;
    }
    if ((names->list[names->count] = strdup(name)))
        names->count++;
}

void names_free(struct names *names) {
    for (size_t k = 0; k < names->count; k++)
        free(names->list[k]);
    free(names->list);
    *names = (struct names){0};
}

static const char *nearest_of(const struct names *names, const char *name) {
    return text_nearest(name, (const char *const *)names->list, names->count);
}

int names_unknown(const struct names *names, const char *what, const char *name, struct error *error) {
    const char *nearest = nearest_of(names, name);

    return error_set(error, ERROR_NAME, "no %s \"%s\"%s%s%s", what, name, nearest ? "; did you mean \"" : "",
                     nearest ? nearest : "", nearest ? "\"?" : "");
}

int session_unknown(struct session *session, session_names *complete, const char *what, const char *name,
                    struct error *error) {
    struct names names = {0};

    complete(session, "", names_add, &names);
    names_unknown(&names, what, name, error);
    names_free(&names);
    return ERROR_NAME;
}

/* ---------------------------------------------------------------- values */

static const char *end_of(const char *name) {
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : NULL;
}

struct name_search {
    const char *name;
    char *out;
    int exact, ends;
};

static void look(void *context, const char *candidate) {
    struct name_search *search = context;
    const char *end = end_of(candidate);

    if (!strcmp(candidate, search->name)) {
        search->exact = 1;
        snprintf(search->out, 256, "%s", candidate);
    } else if (!search->exact && end && !strcmp(end, search->name)) {
        search->ends++;
        snprintf(search->out, 256, "%s", candidate);
    }
}

static void add_end(void *context, const char *candidate) {
    if (end_of(candidate))
        names_add(context, end_of(candidate));
}

int names_resolve(const struct name_source *source, const char *name, char *out, struct error *error) {
    struct name_search search = {name, out, 0, 0};
    struct names names = {0}, ends = {0};
    const char *nearest;

    source->each(source->of, look, &search);
    if (search.exact || search.ends == 1)
        return 0;
    if (!search.ends && source->is_unlisted(source->of, name)) {
        snprintf(out, 256, "%s", name);
        return 0;
    }
    if (!error)
        return ERROR_NAME;
    if (search.ends > 1)
        return error_set(error, ERROR_NAME, "\"%s\" is the end of %d names; one of them is %s", name, search.ends, out);
    source->each(source->of, names_add, &names);
    source->each(source->of, add_end, &ends);
    if (!nearest_of(&names, name) && (nearest = nearest_of(&ends, name)))
        error_set(error, ERROR_NAME, "no value ends in \"%s\"; did you mean \"%s\"?", name, nearest);
    else
        names_unknown(&names, "value", name, error);
    names_free(&names);
    names_free(&ends);
    return ERROR_NAME;
}
