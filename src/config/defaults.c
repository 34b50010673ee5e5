/* `defaults:` lists, the order that they give, and who decides between the choices of a group: Hydra 1.3's rules. */
#include "config/compose.h"

#include <stdlib.h>
#include <string.h>

static int expand(struct composing *composing, struct element *self, int top, int interpolated, int depth);

static int out_of_memory(struct composing *composing) {
    return error_memory(composing->error);
}

static struct arena *arena_of(const struct composing *composing) {
    return composing->sources.config->arena;
}

/* ---------------------------------------------------------------- names */

static const char *join(const struct composing *composing, const char *a, const char *separator, const char *b) {
    if (!*a || !*b)
        return *a ? a : b;
    const char *joined = arena_format(arena_of(composing), "%s%s%s", a, separator, b);
    return joined ? joined : "";
}

/* With dots for slashes. */
static const char *dotted(const struct composing *composing, const char *path) {
    char *copy = arena_string(arena_of(composing), path);
    for (char *s = copy; s && *s; s++)
        *s = *s == '/' ? '.' : *s;
    return copy ? copy : "";
}

/* "model" of the group model, and of the config model/small; as written, but for the slash in front. */
static const char *written_group(const struct composing *composing, const struct element *element) {
    const char *name = element->name + (*element->name == '/'), *slash = strrchr(name, '/');
    if (element->kind == ELEMENT_GROUP)
        return name;
    char *copy = arena_string(arena_of(composing), slash ? name : "");
    if (copy && slash)
        copy[slash - name] = 0;
    return copy ? copy : "";
}

static const char *group_path(const struct composing *composing, const struct element *element) {
    const char *group = written_group(composing, element);
    return *element->name == '/' ? group : join(composing, element->base, "/", group);
}

const char *element_config(const struct composing *composing, const struct element *element) {
    if (element->kind == ELEMENT_GROUP)
        return join(composing, group_path(composing, element), "/", element->value);
    return *element->name == '/' ? element->name + 1 : join(composing, element->base, "/", element->name);
}

static const char *package_of(const struct composing *composing, const struct element *element, int header) {
    static const char global[] = "_global_";
    const char *package = element->package ? element->package : header ? element->header : NULL;
    if (!package)
        package = dotted(composing, written_group(composing, element));
    package = join(composing, element->above, ".", package);
    for (const char *found = strstr(package, global); found; found = strstr(package, global))
        package = found + sizeof global - 1 + (found[sizeof global - 1] == '.');
    return package;
}

const char *element_package(const struct composing *composing, const struct element *element) {
    return package_of(composing, element, 1);
}

const char *element_key(const struct composing *composing, const struct element *element) {
    const char *key = group_path(composing, element), *package = package_of(composing, element, 0);
    if (!strcmp(dotted(composing, key), package))
        return key;
    key = arena_format(arena_of(composing), "%s@%s", key, *package ? package : "_global_");
    return key ? key : "";
}

/* The file that lists it is known: what is relative to it is settled. */
static void settle(struct composing *composing, struct element *element, const char *base, const char *package) {
    static const char group[] = "_group_";
    element->base = base;
    element->above = package;
    const char *found = element->package ? strstr(element->package, group) : NULL;
    if (found)
        element->package =
            arena_format(arena_of(composing), "_global_.%.*s%s%s", (int)(found - element->package), element->package,
                         dotted(composing, group_path(composing, element)), found + sizeof group - 1);
}

/* ---------------------------------------------------------------- reading a list */

static int new_element(struct composing *composing, struct element **out) {
    if (composing->elements++ > 4 * COMPOSE_FILES)
        return error_set(composing->error, ERROR_VALUE, "the lists `defaults` bring in more than %d configs",
                         4 * COMPOSE_FILES);
    *out = arena_alloc(arena_of(composing), sizeof **out);
    return *out ? 0 : out_of_memory(composing);
}

/* "optional override group@package": takes the words and the package off. */
static int read_group(struct composing *composing, const char *text, struct element *element) {
    char *copy = arena_string(arena_of(composing), text);
    if (!copy)
        return out_of_memory(composing);
    char *at = strchr(copy, '@'), *last;
    if (at) {
        *at++ = 0;
        at[strcspn(at, ":")] = 0;
        element->package = strcmp(at, "_here_") ? at : "";
    }
    while (element->kind == ELEMENT_GROUP && (last = strchr(copy, ' '))) {
        size_t size = (size_t)(last - copy);
        int optional = size == 8 && !strncmp(copy, "optional", size);
        int override = size == 8 && !strncmp(copy, "override", size);
        if (!optional && !override)
            return config_error(element->place, composing->error, ERROR_SYNTAX,
                                "\"%.*s\" is no word of a list of defaults: there are optional and override", (int)size,
                                copy);
        element->optional |= optional;
        element->override |= override;
        copy = last + 1;
    }
    element->name = copy;
    if (!*copy)
        return config_error(element->place, composing->error, ERROR_SYNTAX, "the name of a group is missing");
    return 0;
}

static int read_choices(struct composing *composing, const struct config_node *list, struct element *element) {
    element->choices = arena_alloc(arena_of(composing), (list->count + 1) * sizeof *element->choices);
    if (!element->choices)
        return out_of_memory(composing);
    for (size_t k = 0; k < list->count; k++) {
        if (list->values[k]->kind != CONFIG_STRING)
            return config_error(list->values[k], composing->error, ERROR_TYPE,
                                "expected the name of a config of the group, not %s",
                                config_kind_name(list->values[k]));
        element->choices[element->nchoices++] = list->values[k]->text;
    }
    return 0;
}

static int read_element(struct composing *composing, const struct config_node *item, struct element **out) {
    int code = new_element(composing, out);
    if (code)
        return code;
    struct element *element = *out;
    element->place = item;
    if (item->kind == CONFIG_STRING) {
        element->kind = strcmp(item->text, "_self_") ? ELEMENT_CONFIG : ELEMENT_SELF;
        if (!strncmp(item->text, "_self_@", 7))
            return config_error(item, composing->error, ERROR_VALUE, "_self_ takes no package");
        return read_group(composing, item->text, element);
    }
    if (item->kind != CONFIG_MAP || item->count != 1)
        return config_error(item, composing->error, ERROR_TYPE,
                            "expected \"GROUP: NAME\", the name of a config or _self_, not %s",
                            item->kind == CONFIG_MAP ? "a map of several keys" : config_kind_name(item));
    const struct config_node *value = item->values[0];
    element->kind = ELEMENT_GROUP;
    element->place = item->keys[0];
    if ((code = read_group(composing, item->keys[0]->text, element)))
        return code;
    if (value->kind == CONFIG_LIST)
        return read_choices(composing, value, element);
    if (value->kind != CONFIG_STRING && value->kind != CONFIG_NULL)
        return config_error(value, composing->error, ERROR_TYPE,
                            "expected the name of a config of the group, null or a list of names, not %s",
                            config_kind_name(value));
    element->value = value->kind == CONFIG_NULL ? NULL : value->text;
    return 0;
}

/* The list of a file; where it does not say _self_, the file itself comes last. */
static int read_list(struct composing *composing, const struct config_source *source, int top, struct element ***out,
                     size_t *count) {
    size_t n = source->defaults ? source->defaults->count : 0, more = top ? composing->nappended : 0;
    struct element **list = arena_alloc(arena_of(composing), (n + more + 1) * sizeof *list);
    int self = 0, code = list ? 0 : out_of_memory(composing);
    for (size_t k = 0; !code && k < n; k++) {
        code = read_element(composing, source->defaults->values[k], &list[k]);
        if (!code && list[k]->kind == ELEMENT_SELF && self++)
            code = config_error(list[k]->place, composing->error, ERROR_VALUE, "_self_ stands twice in the list");
    }
    if (!code && !self && (n || more) && !(code = new_element(composing, &list[n]))) {
        list[n]->kind = ELEMENT_SELF;
        list[n]->name = "_self_";
        list[n++]->place = source->root;
    }
    for (size_t k = 0; !code && k < more; k++)
        list[n++] = composing->appended[k];
    *out = list;
    *count = n;
    return code;
}

/* ---------------------------------------------------------------- choices */

static struct choice *choice_of(struct composing *composing, const char *key, int deletes) {
    for (size_t k = 0; k < composing->nchoices; k++)
        if (composing->choices[k].deletes == deletes && !strcmp(composing->choices[k].key, key))
            return &composing->choices[k];
    return NULL;
}

struct choice *composing_choice(struct composing *composing, const char *key, int deletes) {
    struct choice *there = choice_of(composing, key, deletes);
    if (there)
        return there;
    if (composing->nchoices == composing->choices_capacity) {
        size_t capacity = 2 * composing->choices_capacity + 16;
        struct choice *choices = arena_alloc(arena_of(composing), capacity * sizeof *choices);
        if (!choices)
            return NULL;
        if (composing->nchoices)
            memcpy(choices, composing->choices, composing->nchoices * sizeof *choices);
        composing->choices = choices;
        composing->choices_capacity = capacity;
    }
    return &composing->choices[composing->nchoices++];
}

/* The overrides of a list take effect before any of its elements is looked at; they stand at its end. */
static int take_overrides(struct composing *composing, const struct element *self, struct element **list, size_t count,
                          int interpolated) {
    const struct element *seen = NULL;
    for (size_t k = 0; k < count; k++) {
        struct element *element = list[k];
        if (element->kind == ELEMENT_SELF)
            continue;
        settle(composing, element, group_path(composing, self), element_package(composing, self));
        if (seen && !element->override && !element->appended)
            return config_error(seen->place, composing->error, ERROR_VALUE,
                                "overrides stand at the end of a list of defaults, behind \"%.100s\"", element->name);
        if (!element->override)
            continue;
        seen = element;
        if (interpolated)
            return config_error(element->place, composing->error, ERROR_VALUE,
                                "a config that is chosen by ${...} cannot override groups");
        const char *key = element_key(composing, element);
        if (choice_of(composing, key, 0))
            continue;
        struct choice *choice = composing_choice(composing, key, 0);
        if (!choice)
            return out_of_memory(composing);
        *choice = (struct choice){.key = key,
                                  .value = element->value,
                                  .choices = element->choices,
                                  .nchoices = element->nchoices,
                                  .place = element->place};
    }
    return 0;
}

static int note_known(struct composing *composing, const struct element *element) {
    if (element->kind != ELEMENT_GROUP)
        return 0;
    struct config *config = composing->sources.config;
    const char *key = element_key(composing, element);
    const struct config_node *before = tree_child(composing->known, key);
    if (before) {
        if (element->value && before->kind == CONFIG_STRING && !strcmp(before->text, element->value))
            return 0;
        if (!element->value && before->kind == CONFIG_NULL)
            return 0;
        return config_error(element->place, composing->error, ERROR_VALUE,
                            "%s is chosen twice; a choice is changed by \"override %s: %s\"", key, key,
                            element->value ? element->value : "null");
    }
    struct config_node *name = tree_string(config, key, strlen(key), element->place, composing->error);
    struct config_node *value =
        element->value ? tree_string(config, element->value, strlen(element->value), element->place, composing->error)
                       : tree_new(config, CONFIG_NULL, element->place, composing->error);
    return name && value ? tree_put(composing->known, name, value, composing->error) : (int)composing->error->code;
}

/* ---------------------------------------------------------------- the tree */

static int not_found(struct composing *composing, const struct element *element, const char *name) {
    struct text options = {0};
    if (element->kind == ELEMENT_GROUP)
        sources_options(&composing->sources, group_path(composing, element), &options);
    int code = config_error(element->place, composing->error, ERROR_NAME, "there is no config %s.yaml in %s%s%s%s",
                            name, composing->sources.folders[0],
                            composing->sources.nfolders > 1 ? " and the other folders that are searched" : "",
                            options.size ? "; the group has " : "", options.size ? options.data : "");
    text_free(&options);
    return code;
}

static int must_choose(struct composing *composing, const struct element *element) {
    struct text options = {0};
    sources_options(&composing->sources, group_path(composing, element), &options);
    const char *key = element_key(composing, element);
    int code = config_error(element->place, composing->error, ERROR_VALUE, "%s must be chosen, by %s=NAME%s%s", key,
                            key, options.size ? "; there are " : "", options.size ? options.data : "");
    text_free(&options);
    return code;
}

/* ${GROUP} in the name of a config is what was chosen for that group. */
static int interpolate(struct composing *composing, struct element *element) {
    struct text yaml = {0};
    struct config *scratch = NULL;
    const char *text = element->kind == ELEMENT_GROUP ? element->value : element_config(composing, element);
    config_write_yaml(composing->known, &yaml);
    if (!composing->known->count)
        yaml.size = 0;
    text_add(&yaml, "_chosen_: ");
    config_quote(text, &yaml);
    int code = config_parse(&scratch, "defaults", yaml.data, yaml.size, composing->error);
    if (!code && (code = config_resolve(scratch, NULL, &(struct error){0}))) {
        struct text keys = {0};
        for (size_t k = 0; k < composing->known->count; k++)
            text_format(&keys, "%s%s", k ? ", " : "; chosen are ", composing->known->keys[k]->text);
        code = config_error(element->place, composing->error, ERROR_NAME, "\"%.100s\" cannot be told%s", text,
                            keys.data ? keys.data : "");
        text_free(&keys);
    }
    if (!code) {
        const char *chosen =
            arena_string(arena_of(composing), config_text(config_get(config_root(scratch), "_chosen_")));
        if (element->kind == ELEMENT_GROUP)
            element->value = chosen;
        else
            element->name = arena_format(arena_of(composing), "/%s", chosen ? chosen : "");
    }
    config_free(scratch);
    text_free(&yaml);
    return code;
}

static int is_interpolation(const struct composing *composing, const struct element *element) {
    const char *text = element->kind == ELEMENT_GROUP ? element->value : element_config(composing, element);
    return text && strstr(text, "${");
}

/* One element of a list that is no override: its child, or children, in front of those that stand there. */
static int expand_item(struct composing *composing, struct element *self, struct element *item, int interpolated,
                       struct element **out, size_t *count, int depth) {
    const struct choice *choice = NULL;
    if (item->kind == ELEMENT_GROUP) {
        const char *key = element_key(composing, item);
        if ((choice = choice_of(composing, key, 0))) {
            item->value = choice->value;
            item->choices = choice->choices;
            item->nchoices = choice->nchoices;
            choice_of(composing, key, 0)->used = 1;
        }
    }
    if (!item->choices) {
        out[(*count)++] = item;
        return is_interpolation(composing, item) ? 0 : expand(composing, item, 0, interpolated, depth + 1);
    }
    for (size_t k = item->nchoices; k-- > 0;) {
        struct element *one;
        int code = new_element(composing, &one);
        if (code)
            return code;
        if (strstr(item->choices[k], "${"))
            return config_error(item->place, composing->error, ERROR_VALUE, "${...} has no place in a list of names");
        *one = (struct element){.kind = ELEMENT_CONFIG,
                                .place = item->place,
                                .name = join(composing, item->name, "/", item->choices[k]),
                                .package = item->package,
                                .optional = item->optional};
        settle(composing, one, group_path(composing, self), element_package(composing, self));
        out[(*count)++] = one;
        if ((code = expand(composing, one, 0, interpolated, depth + 1)))
            return code;
    }
    return 0;
}

static int expand_list(struct composing *composing, struct element *self, const struct config_source *source, int top,
                       int interpolated, int depth) {
    struct element **list, **children;
    size_t count, used = 0, room = 0;
    int code = read_list(composing, source, top, &list, &count);
    if (code || (code = take_overrides(composing, self, list, count, interpolated)))
        return code;
    for (size_t k = 0; k < count; k++) {
        const struct choice *choice =
            list[k]->kind == ELEMENT_GROUP ? choice_of(composing, element_key(composing, list[k]), 0) : NULL;
        room += 1 + list[k]->nchoices + (choice ? choice->nchoices : 0);
    }
    children = arena_alloc(arena_of(composing), (room + 1) * sizeof *children);
    if (!children)
        return out_of_memory(composing);
    /* from the last to the first: what stands below has chosen before those above are looked at */
    for (size_t k = count; k-- > 0 && !code;) {
        struct element *item = list[k];
        if (item->kind == ELEMENT_SELF)
            children[used++] = item;
        else if (!item->override)
            code = expand_item(composing, self, item, interpolated, children, &used, depth);
    }
    for (size_t k = 0; k < used && !code; k++)
        if (children[k]->kind != ELEMENT_SELF && !children[k]->count && is_interpolation(composing, children[k])) {
            code = interpolate(composing, children[k]);
            if (!code)
                code = expand(composing, children[k], 0, 1, depth + 1);
        }
    for (size_t k = 0; k < used / 2; k++) {
        struct element *swap = children[k];
        children[k] = children[used - 1 - k];
        children[used - 1 - k] = swap;
    }
    self->children = children;
    self->count = used;
    return code;
}

static int expand(struct composing *composing, struct element *self, int top, int interpolated, int depth) {
    struct config_source *source = NULL;
    int named = self->kind != ELEMENT_GROUP || self->value, code;
    if (depth > COMPOSE_DEPTH)
        return config_error(self->place, composing->error, ERROR_VALUE,
                            "more than %d lists of defaults that lead to each other", COMPOSE_DEPTH);
    if (self->kind == ELEMENT_GROUP && !self->primary && !strncmp(group_path(composing, self), "hydra/", 6))
        return config_error(self->place, composing->error, ERROR_VALUE,
                            "Hydra has chosen for %s itself; it is changed by \"override %s: ...\"", self->name,
                            self->name);
    int missing = named && !strcmp(self->kind == ELEMENT_GROUP ? self->value : self->name, "???");
    if (named && !missing) {
        if ((code = sources_load(&composing->sources, element_config(composing, self), &source, composing->error)))
            return code;
        if (source->package)
            self->header = !strcmp(source->package, "_global_") || !strncmp(source->package, "_global_.", 9)
                               ? source->package
                               : arena_format(arena_of(composing), "_global_.%s", source->package);
    }
    struct choice *deletion =
        self->kind == ELEMENT_GROUP ? choice_of(composing, element_key(composing, self), 1) : NULL;
    if (deletion && (!deletion->value || (self->value && !strcmp(deletion->value, self->value)))) {
        self->deleted = 1;
        deletion->used = 1;
        return 0;
    }
    if ((code = note_known(composing, self)))
        return code;
    if (!named)
        return 0;
    if (missing)
        return self->kind == ELEMENT_GROUP ? must_choose(composing, self)
                                           : config_error(self->place, composing->error, ERROR_VALUE,
                                                          "the name of a config is expected, not ???");
    if (!source->file) {
        self->deleted = 1;
        return self->optional ? 0 : not_found(composing, self, source->name);
    }
    if (!(source->defaults && source->defaults->count) && !(top && composing->nappended))
        return 0;
    return expand_list(composing, self, source, top, interpolated, depth);
}

/* Groups below hydra/ come with Hydra or its plugins: logs, launchers, help, which have no say here.  Those of the
 * config's own folders do. */
static int expand_hydra(struct composing *composing, struct element ***out, size_t *count) {
    struct element **list = arena_alloc(arena_of(composing), (composing->nchoices + 1) * sizeof *list);
    int code = list ? 0 : out_of_memory(composing);
    *count = 0;
    *out = list;
    for (size_t k = 0; !code && k < composing->nchoices; k++) {
        struct choice *choice = &composing->choices[k];
        if (choice->deletes || strncmp(choice->key, "hydra/", 6))
            continue;
        choice->used = 1;
        if (!choice->value || !sources_has_group(&composing->sources, choice->key) ||
            (code = new_element(composing, &list[*count])))
            continue;
        *list[*count] = (struct element){
            .kind = ELEMENT_GROUP, .place = choice->place, .name = choice->key, .value = choice->value, .primary = 1};
        settle(composing, list[*count], "", "");
        code = expand(composing, list[(*count)++], 0, 0, 1);
    }
    return code;
}

int defaults_expand(struct composing *composing, struct element *primary, struct element ***hydra, size_t *nhydra) {
    settle(composing, primary, "", "");
    int code = expand(composing, primary, 1, 0, 0);
    if (!code)
        code = expand_hydra(composing, hydra, nhydra);
    for (size_t k = 0; !code && k < composing->nchoices; k++) {
        const struct choice *choice = &composing->choices[k];
        if (choice->used)
            continue;
        const char *nearest = tree_nearest_key(composing->known, choice->key);
        struct text hint = {0};
        if (nearest)
            text_format(&hint, "; did you mean \"%s\"?", nearest);
        else if (choice->text && !choice->deletes)
            text_format(&hint, " (a group is added to it by +%s)", choice->text);
        code = config_error(choice->place, composing->error, ERROR_NAME, "no list of defaults has the group %s%s%s%s",
                            choice->key, choice->deletes && choice->value ? " with the choice " : "",
                            choice->deletes && choice->value ? choice->value : "", hint.data ? hint.data : "");
        text_free(&hint);
    }
    return code;
}
